//! Tests of failures by chance: against theory, against promises, and against a slow and obvious twin.

use super::*;

fn hours(count: u64) -> Span {
    Span::from_secs(3_600).times(count)
}

fn after(span: Span) -> Time {
    Time::ZERO + span
}

fn things(count: usize, group_size: usize) -> Vec<Thing> {
    let thing = |index: usize| Thing {
        name: format!("n-{index}").into(),
        group: format!("rack-{}", index / group_size).into(),
    };
    (0..count).map(thing).collect()
}

/// Things that fail and are there again at once.
fn process(every: Delay) -> Process {
    Process { id: "p".into(), every, lasts: Some(Delay::NONE), start: Start::Equilibrium, burst: 0, most: None }
}

fn strikes(process: &Process, things: &[Thing], span: Span, seed: u64) -> Strikes {
    process.strikes(things, Time::ZERO, after(span), &Draws::new(seed)).expect("not too many")
}

/// Moments at which each thing fails.
fn moments(strikes: &Strikes, count: usize) -> Vec<Vec<Time>> {
    let mut moments = vec![Vec::new(); count];
    for strike in &strikes.list {
        strike.things.iter().for_each(|&index| moments[index].push(strike.at));
    }
    moments
}

#[test]
fn gaps_follow_their_distribution() {
    let scale = hours(100);
    for shape_milli in [700, 1_000, 2_000] {
        let things = things(100, 10);
        let every = Delay::Weibull { shape_milli, scale };
        let found = strikes(&process(every.clone()), &things, hours(40_000), 5);
        let mut gaps: Vec<f64> = Vec::new();
        for moments in moments(&found, things.len()) {
            gaps.extend(moments.windows(2).map(|pair| pair[1].since(pair[0]).as_secs_f64() / scale.as_secs_f64()));
        }
        assert!(gaps.len() > 30_000);
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64 * scale.as_secs_f64();
        assert!((mean / every.mean().as_secs_f64() - 1.0).abs() < 0.03, "{every}: mean {mean}");
        for x in [0.1, 0.5, 1.0, 2.0] {
            let below = gaps.iter().filter(|&&gap| gap < x).count() as f64 / gaps.len() as f64;
            let expected = 1.0 - libm::exp(-libm::pow(x, f64::from(shape_milli) / 1e3));
            assert!((below - expected).abs() < 0.01, "{every}: {below} below {x}, not {expected}");
        }
    }
}

#[test]
fn failures_come_at_one_rate_unless_things_are_new() {
    let things = things(4_000, 1);
    let every = Delay::Weibull { shape_milli: 700, scale: hours(1_000) };
    let window = hours(250);
    let counts = |start| {
        let process = Process { start, ..process(every.clone()) };
        let mut counts = [0_f64; 16];
        for strike in strikes(&process, &things, window.times(16), 7).list {
            counts[(strike.at.as_micros() / window.as_micros()) as usize] += 1.0;
        }
        let expected = 4_000.0 * window.as_secs_f64() / every.mean().as_secs_f64();
        counts.map(|count| count / expected)
    };
    let flat = counts(Start::Equilibrium);
    assert!(flat.iter().all(|&count| (0.85..1.15).contains(&count)), "{flat:?}");
    let falling = counts(Start::Fresh);
    assert!(falling[0] > 1.6 && falling[0] > falling[1] && falling[15] < 1.2, "{falling:?}");
}

#[test]
fn things_are_down_for_their_share_of_the_time() {
    let things = things(200, 10);
    let lasts = Delay::LogNormal { median: hours(2), p95: hours(9) };
    let process =
        Process { lasts: Some(lasts.clone()), ..process(Delay::Weibull { shape_milli: 750, scale: hours(50) }) };
    let found = strikes(&process, &things, hours(20_000), 3);
    let down: f64 = found.list.iter().map(|strike| strike.lasts.expect("it is repaired").as_secs_f64()).sum();
    let share = down / (hours(20_000).as_secs_f64() * 200.0);
    let (up, repair) = (process.every.mean().as_secs_f64(), lasts.mean().as_secs_f64());
    assert!((share / (repair / (up + repair)) - 1.0).abs() < 0.03, "{share}");
}

#[test]
fn what_is_down_does_not_fail_and_what_is_gone_stays_gone() {
    let things = things(60, 20);
    let lasts = Delay::Exponential { mean: hours(20) };
    let mut process = Process { burst: 600_000, lasts: Some(lasts), ..process(Delay::Exponential { mean: hours(50) }) };
    let found = strikes(&process, &things, hours(2_000), 9);
    let mut back = vec![Time::ZERO; 60];
    for strike in &found.list {
        for &index in &strike.things {
            assert!(back[index] <= strike.at, "thing {index} at {}", strike.at);
            back[index] = strike.at + strike.lasts.expect("it is repaired");
        }
    }
    assert!(found.list.len() > 500 && found.list.is_sorted_by_key(|strike| strike.at));
    process.lasts = None;
    let found = strikes(&process, &things, hours(2_000), 9);
    assert!(found.list.iter().all(|strike| strike.lasts.is_none()));
    assert!(moments(&found, 60).iter().all(|moments| moments.len() == 1), "each once, and all sooner or later");
}

#[test]
fn bursts_are_geometric_and_stay_in_their_group() {
    let things = things(2_000, 200);
    let share = 0.5;
    let process = Process { burst: 500_000, ..process(Delay::Exponential { mean: hours(1_000) }) };
    let found = strikes(&process, &things, hours(4_000), 13);
    let all = found.list.len() as f64;
    for size in 1..=5 {
        let seen = found.list.iter().filter(|strike| strike.things.len() == size).count() as f64 / all;
        let expected = libm::pow(share, (size - 1) as f64) * (1.0 - share);
        assert!((seen - expected).abs() < 0.02, "{seen} of size {size}, not {expected}");
    }
    // A failure lies in a burst of several unless its own is one of one thing: 1 − (1 − share)².
    let failures: usize = found.list.iter().map(|strike| strike.things.len()).sum();
    let together: usize = found.list.iter().map(|strike| strike.things.len()).filter(|&size| size > 1).sum();
    assert!((together as f64 / failures as f64 - 0.75).abs() < 0.02);
    for strike in &found.list {
        let mut members = strike.things.clone();
        members.sort_unstable();
        members.dedup();
        assert_eq!(members.len(), strike.things.len(), "each once");
        assert!(members.iter().all(|&index| things[index].group == things[strike.things[0]].group));
    }
    // Everybody in a group is pulled along as often as anybody else.
    let mut pulled = vec![0_u32; 2_000];
    found.list.iter().flat_map(|strike| &strike.things[1..]).for_each(|&index| pulled[index] += 1);
    let mean = pulled.iter().sum::<u32>() / 2_000;
    assert!((3..6).contains(&mean) && pulled.iter().all(|&count| count < 20), "{mean}");
}

#[test]
fn another_thing_moves_no_failure() {
    let mut process = process(Delay::Weibull { shape_milli: 800, scale: hours(100) });
    process.lasts = Some(Delay::Exponential { mean: hours(3) });
    let few = things(10, 5);
    let mut more = few.clone();
    more.insert(4, Thing { name: "between".into(), group: "rack-0".into() });
    let before = moments(&strikes(&process, &few, hours(5_000), 1), 10);
    let mut after = moments(&strikes(&process, &more, hours(5_000), 1), 11);
    assert!(!after.remove(4).is_empty());
    assert_eq!(before, after);
    // With bursts the same holds for other groups.
    process.burst = 700_000;
    let before = moments(&strikes(&process, &few, hours(5_000), 1), 10);
    let after = moments(&strikes(&process, &more, hours(5_000), 1), 11);
    assert_eq!(before[5..], after[6..]);
    assert_ne!(before[..4], after[..4]);
    // Other ids and other seeds have other luck.
    assert_ne!(before, moments(&strikes(&process, &few, hours(5_000), 2), 10));
    process.id = "q".into();
    assert_ne!(before, moments(&strikes(&process, &few, hours(5_000), 1), 10));
}

#[test]
fn no_more_are_down_than_allowed() {
    let things = things(50, 50);
    let process = Process {
        burst: 800_000,
        most: Some(3),
        lasts: Some(Delay::Exponential { mean: hours(30) }),
        ..process(Delay::Exponential { mean: hours(100) })
    };
    let found = strikes(&process, &things, hours(3_000), 4);
    assert!(found.held_back > 100);
    let mut peak = 0;
    for strike in &found.list {
        let is_down = |other: &&Strike| other.at <= strike.at && other.at + other.lasts.unwrap() > strike.at;
        peak = peak.max(found.list.iter().filter(is_down).map(|other| other.things.len()).sum::<usize>());
    }
    assert_eq!(peak, 3);
}

#[test]
fn nothing_happens_outside_its_time() {
    let things = things(100, 10);
    let process = process(Delay::Exponential { mean: hours(10) });
    let draws = Draws::new(1);
    let (from, until) = (after(hours(100)), after(hours(110)));
    let found = process.strikes(&things, from, until, &draws).unwrap();
    assert!((70..140).contains(&found.list.len()), "{}", found.list.len());
    assert!(found.list.iter().all(|strike| (from..until).contains(&strike.at)));
    assert_eq!(process.strikes(&things, until, from, &draws), Ok(Strikes::default()));
    assert_eq!(process.strikes(&[], from, until, &draws), Ok(Strikes::default()));
}

#[test]
fn nonsense_and_too_much_are_refused_in_words() {
    let exponential = Delay::Exponential { mean: Span::from_secs(1) };
    let good = process(exponential.clone());
    for (process, told) in [
        (process(Delay::NONE), "the time that they work"),
        (Process { burst: WHOLE, ..good.clone() }, "below one"),
        (Process { most: Some(0), ..good.clone() }, "nothing ever fails"),
        (process(Delay::Weibull { shape_milli: 50, scale: hours(1) }), "from 0.1 to 10"),
        (good.clone(), "it fails more than 100000 times"),
        // Held back over and over, without end.
        (
            Process {
                every: Delay::Values([(Span::ZERO, 999_999), (hours(9_000), 1)].into()),
                start: Start::Fresh,
                lasts: None,
                most: Some(1),
                ..good.clone()
            },
            "it fails more than 100000 times",
        ),
    ] {
        let message = process.strikes(&things(200, 10), Time::ZERO, after(hours(1)), &Draws::new(1)).unwrap_err();
        assert!(message.contains(told), "{message}");
    }
    let crowd = Process { burst: 900_000, ..process(Delay::Exponential { mean: hours(10) }) };
    let message = crowd.strikes(&things(20_000, 20_000), Time::ZERO, after(hours(1)), &Draws::new(1)).unwrap_err();
    assert_eq!(message, "its bursts in groups of 20000 are too many to follow");
}

/// The same, with a look at everything at every step.
fn twin(process: &Process, things: &[Thing], from: Time, until: Time, draws: &Draws) -> Strikes {
    let path = |what: &str, index: usize| format!("failure {what} {}\n{}", process.id, things[index].name);
    let mut due: Vec<Option<Time>> = Vec::new();
    let mut gaps = vec![0; things.len()];
    let mut back = vec![from; things.len()];
    for (index, gaps) in gaps.iter_mut().enumerate() {
        due.push(Some(match process.start {
            Start::Equilibrium => from + process.every.residual(draws, &path("left", index)),
            Start::Fresh => {
                *gaps = 1;
                from + process.every.sample(draws, &path("gap", index), 1)
            }
        }));
    }
    let mut found = Strikes::default();
    loop {
        let all = (0..things.len()).filter_map(|index| Some((due[index]?, index)));
        let Some((at, first)) = all.min().filter(|&(at, _)| at < until) else { return found };
        let down = back.iter().filter(|&&back| back > at).count();
        let turn = gaps[first];
        let mut next = |index: usize, works_from: Time| {
            gaps[index] += 1;
            Some(works_from + process.every.sample(draws, &path("gap", index), gaps[index]))
        };
        if process.most.is_some_and(|most| down >= most as usize) {
            found.held_back += 1;
            due[first] = next(first, at);
            continue;
        }
        let mut struck = vec![first];
        // Each more with the chance of the share: the unit lies below share, share², share³, …
        let unit = 1.0 - draws.unit(Purpose::Fault, &path("burst", first), turn);
        let share = f64::from(process.burst) / 1e6;
        let mut bound = share;
        let mut others: Vec<usize> =
            (0..things.len()).filter(|&index| things[index].group == things[first].group).collect();
        others.retain(|&index| index != first && back[index] <= at);
        while unit < bound && !others.is_empty() && process.most.is_none_or(|most| down + struck.len() < most as usize)
        {
            let luck = |index: &usize| {
                let path = format!("{}\n{}", path("burst", first), things[*index].name);
                draws.get(Purpose::Fault, &path, turn)
            };
            let lowest = (0..others.len()).min_by_key(|&other| luck(&others[other])).unwrap();
            struck.push(others.remove(lowest));
            bound *= share;
        }
        let lasts = process.lasts.as_ref().map(|lasts| lasts.sample(draws, &path("lasts", first), turn));
        for &index in &struck {
            back[index] = lasts.map_or(Time::from_micros(u64::MAX), |lasts| at + lasts);
            due[index] = lasts.and_then(|lasts| next(index, at + lasts));
        }
        found.list.push(Strike { at, things: struck, lasts });
    }
}

#[test]
fn strikes_are_those_of_the_twin() {
    let mut total = 0;
    for case in 0..200 {
        let draws = Draws::new(case);
        let pick = |what: &str, bound: u64| draws.below(Purpose::Test, what, 0, bound);
        let mean = hours(1 + pick("mean", 100));
        let every = match pick("every", 5) {
            0 => Delay::Exponential { mean },
            1 => Delay::Weibull { shape_milli: 500 + pick("shape", 1_500) as u32, scale: mean },
            2 => Delay::LogNormal { median: mean, p95: mean.times(4) },
            3 => Delay::Uniform { min: mean, max: mean.times(3) },
            _ => Delay::Values([(mean, 3), (mean.times(9), 1)].into()),
        };
        let lasts = Delay::Exponential { mean: hours(1 + pick("lasts", 50)) };
        let process = Process {
            id: "twin".into(),
            every,
            lasts: (pick("is repaired", 4) > 0).then_some(lasts),
            start: [Start::Equilibrium, Start::Fresh][pick("start", 2) as usize],
            burst: [0, 300_000, 850_000][pick("burst", 3) as usize],
            most: (pick("has most", 3) == 0).then_some(1 + pick("most", 5) as u32),
        };
        let things = things(1 + pick("things", 30) as usize, 1 + pick("group", 10) as usize);
        let (from, until) = (after(hours(pick("from", 50))), after(hours(pick("until", 500))));
        let found = process.strikes(&things, from, until, &draws).unwrap();
        assert_eq!(found, twin(&process, &things, from, until, &draws), "case {case}: {process:?}");
        total += found.list.len();
    }
    assert!(total > 4_000, "{total}");
}
