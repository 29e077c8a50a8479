//! Deletions: of one object, and of many with one call.

use super::remote::MemoryRemote;
use super::script::{Call, Moment, Operation};
use crate::remote::{Condition, Conditions, RemoteError};
use crate::tree::{RepoPath, Token};

/// The most versions of one call: few, so that tests need few files for more than one.
pub(super) const VERSIONS_MAX: usize = 8;

impl MemoryRemote {
    /// Deletes the object that the call names, if it is the version expected.
    pub(super) async fn remove(
        &self,
        call: &Call,
        expected: &Token,
        conditions: Conditions,
    ) -> Result<(), RemoteError> {
        if self.lock().current(&call.key).is_none() {
            return Err(call.not_found());
        }
        let condition = Condition::Matches(expected.clone());
        self.write(call, &condition, conditions, |state| {
            state.remove(&self.client, &call.key, Some(&condition));
            Ok(())
        })
        .await
    }

    /// Deletes one after the other within one call, which is recorded under the first key.
    pub(super) async fn remove_many(
        &self,
        versions: &[(&RepoPath, &Token)],
    ) -> Result<Vec<Result<(), RemoteError>>, RemoteError> {
        let first = versions.first().map_or("", |(path, _)| path.as_str());
        self.run(Operation::DeleteMany, first, async |call| {
            let mut answers = Vec::with_capacity(versions.len());
            for (path, expected) in versions {
                let call = Call { key: path.as_str().to_owned(), ..call.clone() };
                let conditions = self.capabilities.conditional_delete_many;
                answers.push(self.remove(&call, expected, conditions).await);
                // Others write while a store goes through its list.
                self.at(&call, Moment::Within).await;
            }
            Ok(answers)
        })
        .await
    }
}
