//! Tests of the rule: what agrees, and each way not to.

use super::*;

fn runs(name: &str, values: &[f64]) -> Vec<Scalars> {
    values.iter().map(|value| Scalars::from([(name.to_string(), *value)])).collect()
}

fn spread(low: f64, high: f64) -> Vec<Scalars> {
    runs("t", &(0..101).map(|n| low + (high - low) * f64::from(n) / 100.0).collect::<Vec<_>>())
}

fn seeds(summary: &Summary, other: &Summary, others: usize) -> Vec<Summary> {
    (0..100).map(|n| if n < others { other.clone() } else { summary.clone() }).collect()
}

#[track_caller]
fn assert_one(found: &[String], words: &str) {
    assert!(found.len() == 1 && found[0].contains(words), "{found:?} lacks {words}");
}

#[test]
fn quantiles_interpolate() {
    let values = Sorted::new(vec![4.0, 1.0, 2.0, 3.0]);
    assert_eq!([0.0, 0.5, 0.9, 1.0].map(|share| (values.quantile(share) * 10.0).round()), [10.0, 25.0, 37.0, 40.0]);
}

#[test]
fn times_agree_or_differ_in_words() {
    let recorded = runs("t", &[10.0, 10.2, 10.4]);
    assert_eq!(times(&recorded, &spread(9.8, 10.6)), [""; 0]);
    assert_one(&times(&recorded, &spread(11.5, 12.0)), "a recorded value lies outside");
    assert_one(&times(&recorded, &spread(0.0, 30.0)), "too wide");
    // Wide enough to hold all values, but only with its rim.
    let rim: Vec<f64> = (0..200).map(|n| if n < 10 { 10.0 } else { 12.0 }).collect();
    let found = times(&recorded, &runs("t", &rim));
    assert_eq!(
        found,
        ["t: recorded 10-10.4, simulated min 10 q10 12 median 12 q90 12 max 12: the middle misses what was recorded"]
    );
    // Two per cent of a late time is more than half a second.
    assert_eq!(times(&runs("t", &[370.0]), &spread(375.0, 377.0)), [""; 0]);
}

#[test]
fn one_run_of_a_scenario_may_be_late_but_not_two_and_not_early() {
    let both = |a: [f64; 3], b: [f64; 3]| -> Vec<Scalars> {
        (0..3).map(|run| Scalars::from([("a".to_string(), a[run]), ("b".to_string(), b[run])])).collect()
    };
    let seeds: Vec<Scalars> =
        (0..9).map(|_| Scalars::from([("a".to_string(), 10.0), ("b".to_string(), 20.0)])).collect();
    assert_eq!(times(&both([10.0, 12.9, 10.0], [20.0, 23.0, 20.0]), &seeds), [""; 0], "one late run");
    assert_one(&times(&both([10.0, 12.9, 10.0], [20.0, 20.0, 23.0]), &seeds), "outside");
    assert_one(&times(&both([10.0, 14.0, 10.0], [20.0, 20.0, 20.0]), &seeds), "outside");
    assert_one(&times(&both([10.0, 8.0, 10.0], [20.0, 20.0, 20.0]), &seeds), "outside");
}

#[test]
fn what_runs_have_seeds_must_have_as_often() {
    let some = |have: usize, of: usize| -> Vec<Scalars> {
        (0..of).map(|n| if n < have { runs("t", &[5.0]).remove(0) } else { Scalars::new() }).collect()
    };
    for (recorded, have, agrees) in
        [(3, 100, true), (3, 50, true), (3, 49, false), (0, 50, true), (0, 51, false), (0, 0, true)]
    {
        assert_eq!(times(&some(recorded, 3), &some(have, 100)).is_empty(), agrees, "{recorded} runs, {have} seeds");
    }
    for (have, agrees) in [(0, false), (1, true), (99, true), (100, false)] {
        assert_eq!(times(&some(1, 3), &some(have, 100)).is_empty(), agrees, "one run, {have} seeds");
    }
}

#[test]
fn counts_meet_and_a_constant_one_is_what_half_of_the_seeds_give() {
    let check = |recorded: &[f64], simulated: &[f64]| {
        counts(&runs("pods", recorded), &runs("pods", simulated), &|scalars| scalars)
    };
    assert_eq!(check(&[2.0, 4.0], &[3.0; 9]), [""; 0]);
    assert_one(&check(&[2.0, 2.0], &[3.0, 3.0]), "recorded 2, simulated 3");
    assert_eq!(check(&[2.0, 2.0], &[2.0, 3.0]), [""; 0]);
    assert_one(&check(&[2.0, 2.0], &[2.0, 3.0, 3.0]), "1 of 3 seeds give 2");
    let missing = counts(&runs("pods", &[2.0]), &[Scalars::new()], &|scalars| scalars);
    assert_one(&missing, "simulated 0");
}

#[test]
fn ends_must_be_equal_and_chance_excuses_one_seed_in_ten() {
    let end = |text: &str| Summary { ends: [("web".to_string(), text.to_string())].into(), ..Summary::default() };
    let (a, b, c) = (end("ready 4"), end("ready 3"), end("ready 1"));
    assert_eq!(ends(&[a.clone(), a.clone()], &seeds(&a, &b, 0)), [""; 0]);
    assert_one(&ends(&[a.clone(), a.clone()], &seeds(&a, &b, 1)), "recorded ready 4; simulated ready 3");
    assert_eq!(ends(&[a.clone(), b.clone()], &seeds(&a, &c, 10)), [""; 0]);
    assert_one(&ends(&[a.clone(), b.clone()], &seeds(&a, &c, 11)), "11 of 100 seeds");
}

#[test]
fn sequences_are_recorded_ones_in_nine_seeds_of_ten_and_grouped_nodes_share_theirs() {
    let of = |pairs: &[(&str, &[&str])]| Summary {
        sequences: pairs
            .iter()
            .map(|(object, steps)| (format!("Node/{object}"), steps.iter().map(|step| step.to_string()).collect()))
            .collect(),
        ..Summary::default()
    };
    let recorded = of(&[("n0", &["down"]), ("n1", &["down", "up"])]);
    let swapped = of(&[("n1", &["down"]), ("n0", &["down", "up"])]);
    let groups = vec![["n0", "n1"].map(str::to_string).into()];
    assert_eq!(sequences(std::slice::from_ref(&recorded), &seeds(&recorded, &swapped, 10), &Vec::new()), [""; 0]);
    let found = sequences(std::slice::from_ref(&recorded), &seeds(&recorded, &swapped, 11), &Vec::new());
    assert!(found.len() == 2 && found[0].contains("(down) then (up); recorded (down)"), "{found:?}");
    assert_eq!(sequences(std::slice::from_ref(&recorded), &seeds(&recorded, &swapped, 100), &groups), [""; 0]);
    let silent = Summary::default();
    assert_eq!(
        sequences(std::slice::from_ref(&recorded), &seeds(&recorded, &silent, 11), &groups).len(),
        2,
        "nothing happened"
    );
}
