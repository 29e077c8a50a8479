//! What a server of its own process tells the process that has started it.

use bytes::Bytes;

use super::server::S3Server;
use super::traffic::Tick;

impl S3Server {
    /// Returns in lines what the bucket holds, and what was asked since the last report; `end` is
    /// the last of them.
    pub fn report(&self, bucket: Option<&str>) -> String {
        let objects = bucket.map(|bucket| self.objects(bucket)).unwrap_or_default();
        let bytes: usize = objects.values().map(Bytes::len).sum();
        let mut lines = vec![format!("objects {} {bytes}", objects.len())];
        let counts = self.counts().into_iter();
        lines.extend(counts.map(|(operation, count)| format!("requests {operation} {count}")));
        let ticks = self.take_traffic().into_iter();
        lines.extend(ticks.map(|Tick { arrived, answered, refused, bytes_in, bytes_out }| {
            format!("tick {arrived} {answered} {refused} {bytes_in} {bytes_out}")
        }));
        lines.push("end\n".to_owned());
        self.clear_log();
        lines.join("\n")
    }
}
