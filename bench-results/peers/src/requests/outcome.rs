//! What one process of one contestant found, and the line in which it tells so.

/// Figures of one run. Times are nanoseconds, memory is KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub served: u64,
    pub elapsed: u64,
    pub p50: u64,
    pub p99: u64,
    pub p999: u64,
    pub max: u64,
    pub digest: u64,
    /// Processor time of a request, with what collectors' threads take.
    pub processor: u64,
    /// What filling the cache made resident.
    pub cache: u64,
    /// What was resident at most beyond that while requests were served.
    pub growth: u64,
    pub leaked: u64,
}

const DONE: &str = "done";
const FAILED: &str = "failed";

impl Outcome {
    pub fn per_second(&self) -> f64 {
        self.served as f64 * 1e9 / self.elapsed.max(1) as f64
    }

    /// The line of a run that came to its end.
    pub fn line(&self) -> String {
        let Self { served, elapsed, p50, p99, p999, max, digest, processor, cache, growth, leaked } = self;
        format!("{DONE} {served} {elapsed} {p50} {p99} {p999} {max} {digest} {processor} {cache} {growth} {leaked}")
    }

    /// The line of one that did not.
    pub fn failure_line(how: &str) -> String {
        format!("{FAILED} {how}")
    }

    /// Reads either; `None` if there is none, as after a crash.
    pub fn read(output: &str) -> Option<Result<Self, String>> {
        let (word, rest) =
            output.lines().find_map(|line| line.split_once(' ').filter(|(word, _)| [DONE, FAILED].contains(word)))?;
        if word == FAILED {
            return Some(Err(rest.to_owned()));
        }
        let figures: Vec<u64> = rest.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
        let [served, elapsed, p50, p99, p999, max, digest, processor, cache, growth, leaked] =
            figures.try_into().ok()?;
        Some(Ok(Self { served, elapsed, p50, p99, p999, max, digest, processor, cache, growth, leaked }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_read() {
        let outcome = Outcome {
            served: 1,
            elapsed: 2,
            p50: 3,
            p99: 4,
            p999: 5,
            max: 6,
            digest: u64::MAX,
            processor: 7,
            cache: 8,
            growth: 9,
            leaked: 10,
        };
        assert_eq!(Outcome::read(&format!("noise\n{}\n", outcome.line())), Some(Ok(outcome)));
        assert_eq!(Outcome::read(&Outcome::failure_line("hung here")), Some(Err("hung here".to_owned())));
        assert_eq!(Outcome::read("done 1 2"), None);
    }
}
