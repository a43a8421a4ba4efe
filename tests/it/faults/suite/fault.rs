//! What may happen, and what people see of it.

use super::crowd::Work;
use super::shown::Shown;
use tests::Way;

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// One of the two registries.
    Registry(usize),
    WriteProjector,
    ReadProjector,
    WriteDatabase,
    ReadDatabase,
    /// The server of the events, where they are not in a file.
    EventStore,
}

/// Between whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// People and one of the two registries.
    PeopleRegistry(usize),
    /// Both registries and WRITE.
    RegistryWrite,
    /// Both registries and READ.
    RegistryRead,
    ProjectorWrite,
    ProjectorRead,
    /// Both registries and the server of the events.
    RegistryStore,
    /// Both projectors and the server of the events.
    ProjectorStore,
}

/// Whose disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    EventStore,
    Write,
    Read,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `kill -9`, and after a while a new start.
    Kill(Part),
    /// `SIGSTOP`, and after a while `SIGCONT`.
    Pause(Part),
    /// The network between two.
    Network(Link, Way),
    /// There is no room on a disk for a page.
    Full(Disk),
    /// Each flush by one of the two registries fails (`EIO`), until it has ended and is started again.
    Flush(usize),
    /// The clock of one of the two registries is set off by so many seconds, and back.
    Clock(usize, i64),
}

impl Fault {
    /// What who does this work at this registry sees while it lasts, and until all is caught up with.
    ///
    /// - A **registry** that is killed, or to which the way is cut, answers nobody; the other one serves everybody. What was
    ///   sent is sent again under its key. One that hangs answers late, or 503, or ends connections that it takes for idle
    ///   when it goes on; if it stopped in the middle of an append, the
    ///   other one refuses commands with 503 after five seconds, because it waits for the lock of the file.
    /// - Without **WRITE**, whatever is the matter with it, reads go on. Commands go on whose entries the registry has in
    ///   memory, others are refused with 503: at once if there is no connection, after five seconds if it hangs.
    /// - Without **READ** all that is read is refused with 503, and after a second commands are too, since nobody knows
    ///   what their sender may do.
    /// - Without a **projector** commands and reads go on. Who reads what they wrote themselves is told 503
    ///   (`read_lagging`) after two seconds, where it is READ's.
    /// - A network that is **slow** is no more than that. A registry whose connections the other end has **forgotten**
    ///   makes new ones, after the five seconds and one for each of the old ones.
    /// - While the **event store** has no room, commands are refused with 503 and reads go on.
    /// - Without a **server** of events reads go on, and commands are refused with 503: together with what was tried again for
    ///   six seconds, or eight where the server hangs, and after two more for the audit trail. One that **forgot** its
    ///   connections is reached by new ones after four. A **slow** way to it makes commands slow, at both registries alike.
    ///   That projectors can not reach it shows as it does without them.
    /// - A registry whose **flush** fails ends: what it could not make durable it does not acknowledge. The other one goes on.
    /// - A **clock** that is set shows nowhere.
    ///
    /// Each 503 says when to try again, and nobody waits longer for an answer than [`super::crowd::ANSWER`].
    pub fn shows(self, work: Work, registry: usize) -> Shown {
        match self {
            Self::Kill(part) => killed(part, work, registry),
            Self::Pause(part) => match (part, killed(part, work, registry)) {
                (Part::Registry(which), _) if which != registry && work.is_command() => {
                    Shown::Perhaps503
                }
                // It lasts until it was found out.
                (Part::EventStore, shown) => shown,
                // It takes five seconds to find out; or nobody does, if it goes on before.
                (_, Shown::Sure503) => Shown::Perhaps503,
                (_, shown) => shown,
            },
            Self::Network(link, way) => network(link, way, work, registry),
            Self::Full(Disk::EventStore) if work.is_command() => Shown::Sure503,
            Self::Full(Disk::EventStore) => Shown::AsEver,
            // A server that finds no room for its own log ends, and starts anew.
            Self::Full(Disk::Write) => killed(Part::WriteDatabase, work, registry),
            Self::Full(Disk::Read) => Shown::Perhaps503,
            Self::Flush(which) if which == registry => Shown::Unanswered,
            Self::Flush(_) if work.is_command() => Shown::Perhaps503,
            Self::Flush(_) | Self::Clock(..) => Shown::AsEver,
        }
    }
}

impl Fault {
    /// Whether each refusal that is answered meanwhile is in the audit trail: all but those while the store takes nothing.
    pub const fn spares_the_trail(self) -> bool {
        match self {
            Self::Kill(part) | Self::Pause(part) => !matches!(part, Part::EventStore),
            Self::Full(disk) => !matches!(disk, Disk::EventStore),
            Self::Network(Link::RegistryStore, way) => matches!(way, Way::Slow),
            Self::Flush(_) => false,
            Self::Network(..) | Self::Clock(..) => true,
        }
    }
}

fn killed(part: Part, work: Work, registry: usize) -> Shown {
    match part {
        Part::Registry(which) if which == registry => Shown::Unanswered,
        Part::Registry(_) | Part::WriteProjector => Shown::AsEver,
        Part::ReadProjector if work == Work::Follow => Shown::Perhaps503,
        Part::ReadProjector => Shown::AsEver,
        Part::WriteDatabase if work.is_command() => Shown::Perhaps503,
        Part::WriteDatabase => Shown::AsEver,
        Part::EventStore if work.is_command() => Shown::Sure503,
        Part::EventStore if work == Work::Follow => Shown::Perhaps503,
        Part::EventStore => Shown::AsEver,
        Part::ReadDatabase if work == Work::Look => Shown::Sure503,
        Part::ReadDatabase => Shown::Perhaps503,
    }
}

fn network(link: Link, way: Way, work: Work, registry: usize) -> Shown {
    let part = match link {
        Link::PeopleRegistry(which) => Part::Registry(which),
        Link::RegistryWrite => Part::WriteDatabase,
        Link::RegistryRead => Part::ReadDatabase,
        Link::ProjectorWrite => Part::WriteProjector,
        Link::ProjectorRead => Part::ReadProjector,
        Link::RegistryStore => Part::EventStore,
        // Only what is in READ is looked at.
        Link::ProjectorStore => Part::ReadProjector,
    };
    match (way, killed(part, work, registry)) {
        (Way::Slow, _) if work != Work::Follow => Shown::AsEver,
        (Way::Slow, _) => Shown::Perhaps503,
        (Way::HalfOpen | Way::Stale, Shown::Perhaps503 | Shown::Sure503)
            if matches!(
                link,
                Link::RegistryWrite | Link::RegistryRead | Link::RegistryStore
            ) =>
        {
            Shown::Recovers
        }
        // As with one that hangs.
        (Way::Silent | Way::HalfOpen | Way::Stale, Shown::Sure503) => Shown::Perhaps503,
        (_, shown) => shown,
    }
}
