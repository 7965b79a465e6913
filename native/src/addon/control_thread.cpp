#include "addon/control_thread.hpp"

#include <pthread.h>
#include <signal.h>

#include <chrono>
#include <system_error>

#include "addon/errno_error.hpp"
#include "addon/reader.hpp"

namespace valenic::addon {

namespace {

constexpr auto housekeeping_period = std::chrono::seconds(1);

/// Signals are for Node's own threads; faults of a thread itself must still reach it.
void block_signals(sigset_t& before) {
    sigset_t all;
    sigfillset(&all);
    for (const int own : {SIGBUS, SIGSEGV, SIGFPE, SIGILL}) sigdelset(&all, own);
    pthread_sigmask(SIG_SETMASK, &all, &before);
}

Napi::Object event_object(Napi::Env env, const EngineEvent& event) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("port", Napi::Number::New(env, event.port));
    switch (event.kind) {
        case EngineEvent::Kind::ring_fault:
            object.Set("event", "ring_fault");
            object.Set("ring", Napi::Number::New(env, event.ring));
            object.Set("fault", spec::name_of(event.fault));
            break;
        case EngineEvent::Kind::device_fault:
            object.Set("event", "device_fault");
            object.Set("fault", spec::name_of(event.fault));
            break;
        case EngineEvent::Kind::memory_not_shared:
            object.Set("event", "memory_not_shared");
            object.Set("ring", Napi::Number::New(env, event.ring));
            break;
        case EngineEvent::Kind::housekeeping_due:
            break;  // say() keeps it.
        case EngineEvent::Kind::link_down:
            object.Set("event", "link_down");
            object.Set("queue", Napi::Number::New(env, event.ring));
            object.Set("fault", spec::name_of(event.fault));
            break;
        case EngineEvent::Kind::mac_moves:
            object.Set("event", "mac_moves");
            object.Set("mac", mac_text(event.moves.mac));
            object.Set("vlan", Napi::Number::New(env, event.moves.vlan));
            object.Set("other", Napi::Number::New(env, event.other));
            object.Set("moves", Napi::Number::New(env, event.moves.count));
            object.Set("seconds", Napi::Number::New(env, event.moves.seconds));
            break;
        case EngineEvent::Kind::mac_rests:
            object.Set("event", "mac_rests");
            break;
        case EngineEvent::Kind::macs_evicted:
            object.Set("event", "macs_evicted");
            object.Set("evicted", Napi::Number::New(env, event.evicted));
            break;
        case EngineEvent::Kind::worker_late:
            object.Set("event", "worker_late");
            object.Set("worker", Napi::Number::New(env, event.worker));
            object.Set("queue", Napi::Number::New(env, event.ring));
            object.Set("act", spec::name_of(event.act));
            object.Set("asleepMs", Napi::Number::New(env, event.asleep_ms));
            break;
    }
    return object;
}

}  // namespace

ControlThread::ControlThread(size_t ports_max)
    : engine_(ports_max, [this](const EngineEvent& event) { say(event); }) {}

ControlThread::~ControlThread() = default;

bool ControlThread::start(Napi::Env env, Napi::Function on_event) {
    const napi_value name = Napi::String::New(env, "valenic.datapath");
    // Queue of one: a wake-up that waits there finds everything that was put down before it.
    if (napi_create_threadsafe_function(env, nullptr, nullptr, name, 1, 1, nullptr, nullptr, this,
                                        &ControlThread::call_js, &speak_) != napi_ok)
        return false;
    napi_unref_threadsafe_function(env, speak_);
    if (!start_thread()) {
        napi_release_threadsafe_function(speak_, napi_tsfn_abort);
        speak_ = nullptr;
        return false;
    }
    on_event_ = Napi::Persistent(on_event);
    self_ = shared_from_this();
    napi_add_env_cleanup_hook(
        env, [](void* self) { static_cast<ControlThread*>(self)->stop(); }, this);
    return true;
}

bool ControlThread::start_thread() {
    sigset_t before;
    block_signals(before);
    try {
        thread_ = std::thread([this] { loop(); });
        pthread_setname_np(thread_.native_handle(), "valenic-control");
    } catch (const std::system_error&) {
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread_.joinable();
}

/// The environment goes: nobody is left to hear of what still waits.
void ControlThread::stop() {
    if (stopped_) return;
    stopped_ = true;
    const std::shared_ptr<ControlThread> self = std::move(self_);
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    work_waits_.notify_one();
    thread_.join();
    // A worker that is stuck may still reach all of it: it stays until the process ends.
    if (abandoned_) new std::shared_ptr<ControlThread>(self);
    napi_release_threadsafe_function(speak_, napi_tsfn_abort);
    speak_ = nullptr;
    on_event_.SuppressDestruct();
}

// ---- Control thread.

/// Housekeeping has its time however many commands wait.
void ControlThread::loop() {
    engine_.adopt_this_thread();
    using Clock = std::chrono::steady_clock;
    std::unique_lock lock(mutex_);
    Clock::time_point next_look = Clock::now() + housekeeping_period;
    while (!stopping_) {
        // Also between commands that never cease: who sends them must not keep it from being done.
        if (look_now_ || Clock::now() >= next_look) {
            look_now_ = false;
            lock.unlock();
            engine_.housekeeping();
            next_look = Clock::now() + housekeeping_period;
            lock.lock();
            continue;
        }
        if (jobs_.empty()) {
            work_waits_.wait_until(lock, next_look);
            continue;
        }
        Job job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        Result result{job.number, job.work(engine_)};
        job.work = nullptr;  // Its descriptors go now.
        lock.lock();
        results_.push_back(std::move(result));
        wake_javascript();
    }
    lock.unlock();
    abandoned_ = !engine_.close();
    engine_.release_this_thread();
}

/// Any thread of the datapath.
void ControlThread::say(const EngineEvent& event) {
    const std::scoped_lock lock(mutex_);
    if (event.kind == EngineEvent::Kind::housekeeping_due) {
        look_now_ = true;
        work_waits_.notify_one();
        return;
    }
    events_.push_back(event);
    wake_javascript();
}

/// Full: an earlier wake-up still waits and finds this too. Closing: stop() is joining us.
void ControlThread::wake_javascript() {
    napi_call_threadsafe_function(speak_, nullptr, napi_tsfn_nonblocking);
}

// ---- JavaScript thread.

Napi::Promise ControlThread::promise_for(Napi::Env env, uint64_t number) {
    // Whoever waits for an answer keeps the process alive; an idle datapath does not.
    if (waiting_.empty()) napi_ref_threadsafe_function(env, speak_);
    waiting_.emplace_back(number, Napi::Promise::Deferred::New(env));
    return waiting_.back().second.Promise();
}

Napi::Promise ControlThread::run(Napi::Env env, Work work) {
    if (closing_ || stopped_) {
        const Refusal refusal(spec::CommandError::closed);
        return rejected(env, coded_error(env, refusal.code(), refusal.text()));
    }
    const uint64_t number = next_number_++;
    const Napi::Promise promise = promise_for(env, number);
    {
        const std::scoped_lock lock(mutex_);
        jobs_.push_back({number, std::move(work)});
    }
    work_waits_.notify_one();
    return promise;
}

Napi::Promise ControlThread::close(Napi::Env env) {
    if (closing_ || stopped_) {
        const auto deferred = Napi::Promise::Deferred::New(env);
        deferred.Resolve(env.Undefined());
        return deferred.Promise();
    }
    const Napi::Promise promise = run(env, [](Engine& engine) -> Outcome {
        if (!engine.close()) return {Refusal(spec::CommandError::worker_busy), nullptr};
        return {std::nullopt, [](Napi::Env to) { return to.Undefined(); }};
    });
    closing_ = true;
    return promise;
}

void ControlThread::call_js(napi_env env, napi_value, void* context, void*) {
    if (env == nullptr) return;  // The environment is going.
    try {
        static_cast<ControlThread*>(context)->deliver(env);
    } catch (const Napi::Error&) {
        // The environment is terminating: no call into JavaScript succeeds any more.
    }
}

void ControlThread::deliver(Napi::Env env) {
    if (stopped_) return;
    std::vector<Result> results;
    std::vector<EngineEvent> events;
    {
        const std::scoped_lock lock(mutex_);
        results.swap(results_);
        events.swap(events_);
    }
    const Napi::HandleScope scope(env);
    for (Result& result : results) settle(env, result);
    for (const EngineEvent& event : events) {
        on_event_.MakeCallback(env.Global(), {event_object(env, event)});
    }
}

void ControlThread::settle(Napi::Env env, Result& result) {
    // Answers come in the order of their commands.
    CHECK(!waiting_.empty() && waiting_.front().first == result.number);
    const Napi::Promise::Deferred deferred = waiting_.front().second;
    waiting_.pop_front();
    if (waiting_.empty()) napi_unref_threadsafe_function(env, speak_);
    // MakeCallback is what lets promise reactions run at once; a plain resolve waits for them.
    const napi_value resource = Napi::Object::New(env);
    const Napi::AsyncContext context(env, "valenic", Napi::Object(env, resource));
    const Napi::CallbackScope callbacks(env, context);
    if (result.outcome.refusal) {
        const Refusal& refusal = *result.outcome.refusal;
        deferred.Reject(coded_error(env, refusal.code(), refusal.text()).Value());
    } else {
        deferred.Resolve(result.outcome.answer(env));
    }
}

}  // namespace valenic::addon
