//! The safeguards of the protocol, and the promise that breaks when one of them is taken away.

/// What a customer or an operator relies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Promise {
    /// `cancelled` is recorded and told only when the recorded property is gone from OZmap.
    CancelledIsGone,
    /// A DELETE is sent only for the one property of that very code, whose customer was not installed just before.
    OnlyWhatMayGo,
    /// What was accepted ends in a recorded outcome in time, whatever is killed.
    NothingIsLost,
    /// The same request hears the same outcome, the recorded one, and deletes one reservation at most.
    OneAnswer,
    /// A DELETE is sent only under a lease that is held, and by one cancellation of a code at a time.
    OneAtATime,
    /// What has ended does not change, and a cancellation has one target for ever.
    NeverChanges,
    /// A "no" is told only when nothing of it took effect or still may, and `not_found` only when it was so.
    NoMeansNo,
    /// Whoever asks about a reservation that stands is not told of another one that is gone.
    OfItsOwn,
    /// No more deletions than the operator allows.
    Budget,
    /// The caller is answered in time.
    InTime,
    /// Nothing comes of a request that was told that nothing was accepted.
    DeclinedIsNothing,
    /// A rehearsal or a pause deletes nothing.
    Rehearsal,
}

macro_rules! safeguards {
    ($($(#[$doc:meta])* $name:ident => [$($promise:ident),+];)+) => {
        /// One safeguard, to be taken away.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Safeguard { $($(#[$doc])* $name,)+ }

        impl Safeguard {
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// What must break without it.
            pub fn keeps(self) -> &'static [Promise] {
                match self { $(Self::$name => &[$(Promise::$promise,)+],)+ }
            }
        }
    };
}

safeguards! {
    /// After a DELETE the property is looked at again, whatever came back.
    LookAgain => [CancelledIsGone];
    /// A confirmed DELETE is verified too.
    LookAgainAfterConfirmed => [CancelledIsGone];
    /// A 2xx with an error in it confirms nothing.
    ReadTheConfirmation => [CancelledIsGone];
    /// A page for people is never "not there".
    PagesAreNoAnswer => [CancelledIsGone, NoMeansNo];
    /// The id alone does not tell: the code must no longer lead to it.
    CodeConfirmsGone => [CancelledIsGone];
    /// "Nothing there" without a list counts only when the key is proven to work.
    ProveTheKey => [CancelledIsGone, NoMeansNo];
    /// ... and proven after that answer, not before.
    ProveTheKeyAfterwards => [CancelledIsGone, NoMeansNo];
    /// ... and the answer is still the same after the proof.
    AskAgainAfterTheProof => [CancelledIsGone, NoMeansNo];
    /// That nothing is under a code is seen twice, apart in time.
    SeenAbsentTwice => [NoMeansNo];
    /// That it is gone is seen twice when its DELETE was not confirmed.
    SeenGoneTwice => [CancelledIsGone];
    /// ... and its client, which would have gone with it, is asked too.
    TheClientIsAskedToo => [CancelledIsGone];
    /// The target is written down before the DELETE is sent.
    Intent => [NoMeansNo];
    /// A recovery goes on from the recorded id.
    RecordedId => [NoMeansNo];
    /// A write of a lost lease changes nothing.
    Fence => [OneAtATime, NeverChanges, NoMeansNo];
    /// The lease is looked at just before the DELETE leaves.
    LeaseBeforeSending => [OneAtATime];
    /// A lease is counted from before its commit.
    LeaseFromBeforeCommit => [OneAtATime];
    /// What another one holds is not taken up.
    TakeOnlyWhatIsFree => [OneAtATime];
    /// One active cancellation per code.
    SingleFlight => [OneAtATime, NoMeansNo];
    /// A webhook that came before is known by its key.
    KnowTheKey => [OneAnswer];
    /// A webhook without a key is known by its conversation.
    KnowTheConversation => [OneAnswer];
    /// The guard looks again before every DELETE.
    GuardEveryTime => [OnlyWhatMayGo];
    /// An installed customer is kept.
    KeepInstalled => [OnlyWhatMayGo];
    /// The customer's code must be the one that was asked for.
    CompareTheCode => [OnlyWhatMayGo];
    /// Several properties are for a person.
    OneRowOnly => [OnlyWhatMayGo];
    /// ... also when another one came after the target was chosen.
    OnlyOneOfItsCode => [OnlyWhatMayGo];
    /// What was reserved after the request is not what was asked for.
    NotWhatWasMadeLater => [OnlyWhatMayGo];
    /// An old reading allows no DELETE.
    GuardAge => [OnlyWhatMayGo];
    /// The age of a reading counts from the question.
    GuardAgeFromTheQuestion => [OnlyWhatMayGo];
    /// The age of a reading counts the time that the machine slept.
    GuardAgeOverSleep => [OnlyWhatMayGo];
    /// The outcome is recorded before it is told.
    RecordThenTell => [OneAnswer];
    /// What was left behind is taken up again.
    Recovery => [NothingIsLost];
    /// A cancellation is given up at last.
    Deadline => [NothingIsLost];
    /// No "no" is final while a DELETE may still take effect.
    Settle => [NoMeansNo];
    /// ... and that is judged as of before the look.
    SettledBeforeLooking => [NoMeansNo];
    /// A new DELETE starts the settling anew.
    SettleAfterEveryDelete => [NoMeansNo];
    /// Giving up after a DELETE was sent is not "nothing was ever sent".
    GivenUpIsUnknown => [NoMeansNo];
    /// A cancellation has one target: the journal refuses another.
    OneTarget => [NeverChanges];
    /// Who asked after the deletion was decided, and may mean a new reservation, is told so.
    SetLatecomersApart => [OfItsOwn];
    /// Who asks while OZmap is being asked is looked for again.
    LookAgainForWhoJoins => [OfItsOwn];
    /// The operator's budget.
    SpendTheBudget => [Budget];
    /// The handler answers in time and the work goes on.
    AnswerInTime => [InTime];
    /// A request that was told no while it waited is not written down.
    NotWhatWasToldNo => [DeclinedIsNothing];
    /// A request that is on its way to the disk is not told no.
    NoWordTwice => [DeclinedIsNothing];
    /// A request for a rehearsal deletes nothing.
    RehearsalOfTheCaller => [Rehearsal];
    /// What was accepted before the operator rehearses is held.
    RehearsalOfTheOperator => [Rehearsal];
    /// Under a rehearsal no second DELETE is sent either.
    RehearsalHoldsTheSecond => [Rehearsal];
    /// A paused service deletes nothing.
    Pause => [Rehearsal];
}

impl Safeguard {
    /// The safeguard that stands before this one: as long as it is there, this one is never needed.
    ///
    /// A lease lasts much longer than a reading may be old, and the intent renews it: who has just read has a lease.
    /// Who goes on from the recorded id asks for no other target.
    pub fn second_to(self) -> Option<Self> {
        let behind_the_age = matches!(self, Self::LeaseBeforeSending | Self::LeaseFromBeforeCommit);
        let behind_the_id = matches!(self, Self::OneTarget);
        let behind_the_age = behind_the_age.then_some(Self::GuardAge);
        behind_the_age.or(behind_the_id.then_some(Self::RecordedId))
    }
}
