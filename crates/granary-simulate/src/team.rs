//! Who works when, and on what?

use std::sync::Arc;

use crate::calendar::{MILLISECOND, working_moment};
use crate::dice::{Dice, mix};
use crate::people::User;
use crate::planner::{Recipe, Style};
use crate::prices::Model;
use crate::project::{PROJECTS, Project};
use crate::session::SimulatedSession;

/// `team.id` of the groups people belong to.
const GROUPS: [&str; 4] = ["payments", "platform", "data", "growth"];

/// The longest a session goes on, however long the window.
const LONGEST_SESSION_MS: u64 = 16 * 60 * 60 * 1000;

/// One session in so many costs many times what the others do; at most three of a call do.
const SESSIONS_PER_MARATHON: usize = 100;

/// One session in so many has secrets in its commands.
const SESSIONS_PER_LEAK: usize = 16;

/// One session in so many was left and resumed.
const SESSIONS_PER_RESUME: usize = 12;

/// What a team is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct TeamConfig {
    /// The same seed makes the same team and the same sessions.
    pub seed: u64,
    /// How many people; at least one.
    pub users: usize,
    /// How many projects, from 1 to 8.
    pub projects: usize,
    /// How many people prefer each model, next to one another.
    pub models: Vec<(Model, f64)>,
}

/// People whose agents send telemetry.
#[derive(Debug, Clone)]
pub struct Team {
    seed: u64,
    users: Vec<Member>,
    models: Vec<(Model, f64)>,
}

#[derive(Debug, Clone)]
struct Member {
    user: Arc<User>,
    model: Model,
    projects: [Project; 2],
}

impl TeamConfig {
    /// Returns a team of this size with four projects, where most prefer Sonnet, some Opus and a few Haiku.
    pub fn new(seed: u64, users: usize) -> Self {
        let models = vec![(Model::Sonnet46, 6.0), (Model::Opus46, 2.8), (Model::Haiku45, 0.8)];
        Self { seed, users, projects: 4, models }
    }
}

impl Team {
    /// Makes a team of this size.
    pub fn new(seed: u64, users: usize) -> Self {
        Self::from_config(&TeamConfig::new(seed, users))
    }

    /// Makes a team as the config says.
    ///
    /// # Panics
    ///
    /// If the config names no model.
    pub fn from_config(config: &TeamConfig) -> Self {
        assert!(!config.models.is_empty(), "a team without a model sends nothing");
        let mut dice = Dice::new(config.seed);
        let organization = dice.uuid();
        let projects = &PROJECTS[..config.projects.clamp(1, PROJECTS.len())];
        let users = (0..config.users.max(1))
            .map(|place| Member {
                user: Arc::new(User::new(&mut dice, place, &organization, GROUPS[place % GROUPS.len()])),
                model: dice.weighted(&config.models),
                projects: [projects[place % projects.len()], dice.pick(projects)],
            })
            .collect();
        Self { seed: config.seed, users, models: config.models.clone() }
    }

    /// Lists the people.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.iter().map(|member| member.user.as_ref())
    }

    /// Returns this many sessions of the window, ordered by start. The same arguments give the same sessions.
    ///
    /// None ends after the window; in a window shorter than a session, one may start before it.
    pub fn sessions(
        &self,
        from_unix_nano: u64,
        to_unix_nano: u64,
        count: usize,
    ) -> impl Iterator<Item = SimulatedSession> + use<> {
        let (from_ms, to_ms) = (from_unix_nano.div_ceil(MILLISECOND), to_unix_nano / MILLISECOND);
        let mut dice = Dice::new(mix(self.seed ^ mix(from_ms)) ^ to_ms);
        let traits = Traits::draw(&mut dice, count);
        let mut sessions: Vec<SimulatedSession> =
            (0..count).map(|place| self.session(&mut dice, &traits, place, from_ms, to_ms)).collect();
        sessions.sort_by_key(|session| session.start_unix_nano);
        sessions.into_iter()
    }

    fn session(
        &self,
        dice: &mut Dice,
        traits: &Traits,
        place: usize,
        from_ms: u64,
        to_ms: u64,
    ) -> SimulatedSession {
        let member = self.pick_member(dice);
        let marathon = traits.marathons.contains(&place);
        let model = if marathon {
            Model::Opus46
        } else if dice.chance(0.85) {
            member.model
        } else {
            dice.weighted(&self.models)
        };
        let style = match marathon {
            true => Style::Marathon,
            false if dice.chance(0.08) => Style::Headless,
            false => Style::Usual,
        };
        let recipe = Recipe {
            seed: dice.seed(),
            session_id: dice.uuid(),
            model,
            style,
            leaks: traits.leaks.contains(&place),
            resumed: traits.resumes.contains(&place),
            limit_ms: to_ms.saturating_sub(from_ms).min(LONGEST_SESSION_MS),
        };
        let project = if dice.chance(0.8) { member.projects[0] } else { member.projects[1] };
        let start_ms = working_moment(dice, from_ms, to_ms, member.user.utc_offset_minutes);
        SimulatedSession::play(recipe, Arc::clone(&member.user), project, |duration_ms| {
            start_ms.min(to_ms.saturating_sub(duration_ms))
        })
    }

    fn pick_member(&self, dice: &mut Dice) -> &Member {
        let choices: Vec<(&Member, f64)> =
            self.users.iter().map(|member| (member, member.user.weight)).collect();
        dice.weighted(&choices)
    }
}

/// Which of the sessions are out of the ordinary.
struct Traits {
    marathons: Vec<usize>,
    leaks: Vec<usize>,
    resumes: Vec<usize>,
}

impl Traits {
    fn draw(dice: &mut Dice, count: usize) -> Self {
        let mut places = |every: usize, most: usize| -> Vec<usize> {
            // A window with a handful of sessions has no outliers to stand out from.
            let number = if count < every { usize::from(count > every / 2) } else { count / every };
            (0..number.min(most)).map(|_| dice.index(count)).collect()
        };
        Self {
            marathons: places(SESSIONS_PER_MARATHON, 3),
            leaks: places(SESSIONS_PER_LEAK, usize::MAX),
            resumes: places(SESSIONS_PER_RESUME, usize::MAX),
        }
    }
}
