//! Any history: each reading once, in order.

use super::*;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Take(i64, i64),
    Seal(usize),
    Send(usize),
    Unseal(i64, usize),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1..4_i64, 1..5_i64).prop_map(|(device, count)| Step::Take(device, count)),
        2 => (1..4_usize).prop_map(Step::Seal),
        2 => (1..6_usize).prop_map(Step::Send),
        1 => (1..4_i64, 0..4_usize).prop_map(|(device, back)| Step::Unseal(device, back)),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn every_reading_goes_out_once_in_order_and_chained(steps in prop::collection::vec(step(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let folder = Folder::new();
            let mut buffer = folder.open(SHARE);
            let mut took = [0_i64; 4];
            // What the registry has: per device the readings and the hash of the last envelope.
            let mut has: [(i64, i64, Option<String>); 4] = Default::default();
            for step in steps.into_iter().chain([Step::Seal(2), Step::Send(usize::MAX)]) {
                match step {
                    Step::Take(device, count) => {
                        let number = &mut took[usize::try_from(device).unwrap()];
                        buffer.record(taken(device, *number..*number + count)).await.unwrap();
                        *number += count;
                    }
                    Step::Seal(most) => seal_all(&buffer, most).await,
                    Step::Send(most) => {
                        let outgoing = buffer.outgoing(Vec::new(), most, usize::MAX).await.unwrap();
                        for envelope in outgoing {
                            let parsed = schemas::gateway::jws::parse::<MeterReadings>(&envelope.compact, 1 << 20);
                            let payload = parsed.unwrap().payload;
                            let (count, sequence, last) = &mut has[usize::try_from(envelope.device.0).unwrap()];
                            assert_eq!(envelope.sequence, *sequence + 1);
                            assert_eq!(&payload.previous, last);
                            for read in &payload.readings {
                                assert_eq!(read, &reading(*count));
                                *count += 1;
                            }
                            (*sequence, *last) = (envelope.sequence, Some(hash(&envelope.compact)));
                            let done = vec![(envelope.device, envelope.sequence)];
                            buffer.acknowledge(done, at(0)).await.unwrap();
                        }
                    }
                    Step::Unseal(device, back) => {
                        // Only what the registry does not have.
                        let sent = has[usize::try_from(device).unwrap()].1;
                        let from = sent + 1 + i64::try_from(back).unwrap();
                        buffer.unseal(DeviceId(device), from).await.unwrap();
                    }
                    Step::Restart => {
                        buffer.close().await;
                        buffer = folder.open(SHARE);
                    }
                }
            }
            assert_eq!(has.map(|(count, ..)| count), took);
            assert_eq!(buffer.usage().await.unwrap().readings, 0);
        });
    }
}
