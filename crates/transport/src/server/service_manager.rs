//! Tells systemd about the state of the service.

#[cfg(unix)]
use std::time::Duration;

/// Reports the state of a service to systemd (`sd_notify(3)`), for units with `Type=notify` or
/// `Type=notify-reload`.
///
/// Has no effect if the process was not started by such a unit (`NOTIFY_SOCKET` is not set), and
/// on other systems than Unix. A message that cannot be sent is logged as a warning, since a
/// service must not fail for it.
///
/// [`ServerBuilder::notify_service_manager`](crate::server::ServerBuilder::notify_service_manager)
/// calls [`ready`](Self::ready) and [`stopping`](Self::stopping), and answers the watchdog.
/// [`reloading`](Self::reloading) is for the application, since it knows when it reads its
/// configuration again.
///
/// # Examples
///
/// ```
/// use palisade_transport::server::ServiceManager;
///
/// # fn read_configuration() {}
/// // On SIGHUP:
/// ServiceManager::reloading();
/// read_configuration();
/// ServiceManager::ready();
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ServiceManager;

impl ServiceManager {
    /// Reports that the service accepts requests (`READY=1`), after its start or a reload.
    pub fn ready() {
        notify(Message::Ready);
    }

    /// Reports that the configuration is being read again (`RELOADING=1`). Call
    /// [`ready`](Self::ready) when that is done.
    pub fn reloading() {
        notify(Message::Reloading);
    }

    /// Reports that the service is about to end (`STOPPING=1`).
    pub fn stopping() {
        notify(Message::Stopping);
    }
}

/// What is reported.
#[derive(Clone, Copy, Debug)]
enum Message {
    Ready,
    Reloading,
    Stopping,
    #[cfg(unix)]
    Watchdog,
}

/// Answers the watchdog (`WatchdogSec=` of the unit) at half its interval, until the future is
/// dropped.
///
/// It runs in the task that accepts connections: a server whose runtime is blocked does not
/// answer, and systemd restarts it.
#[cfg(unix)]
pub(crate) async fn answer_watchdog(is_on: bool) {
    let interval = sd_notify::watchdog_enabled().filter(|_| is_on);
    let Some(interval) = interval.map(|interval| interval / 2) else {
        return std::future::pending().await;
    };
    let mut ticks = tokio::time::interval(interval.max(Duration::from_millis(1)));
    loop {
        ticks.tick().await;
        notify(Message::Watchdog);
    }
}

#[cfg(not(unix))]
pub(crate) async fn answer_watchdog(_is_on: bool) {
    std::future::pending().await
}

/// Sends a message to the socket of `NOTIFY_SOCKET`, if there is one.
#[cfg(unix)]
fn notify(message: Message) {
    use sd_notify::NotifyState;

    let sent = match message {
        Message::Ready => sd_notify::notify(&[NotifyState::Ready]),
        Message::Reloading => NotifyState::monotonic_usec_now()
            .and_then(|now| sd_notify::notify(&[NotifyState::Reloading, now])),
        Message::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
        Message::Watchdog => sd_notify::notify(&[NotifyState::Watchdog]),
    };
    if let Err(error) = sent {
        tracing::warn!(%error, ?message, "cannot notify the service manager");
    }
}

#[cfg(not(unix))]
fn notify(_message: Message) {}
