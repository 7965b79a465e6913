#include "addon/control_thread.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <system_error>

#include "addon/errno_error.hpp"

namespace valenic::addon {

namespace {

constexpr auto housekeeping_period =
    std::chrono::milliseconds(control::Control::housekeeping_period_ms);

/// Signals are for Node's own threads; faults of a thread itself must still reach it.
void block_signals(sigset_t& before) {
    sigset_t all;
    sigfillset(&all);
    for (const int own : {SIGBUS, SIGSEGV, SIGFPE, SIGILL}) sigdelset(&all, own);
    pthread_sigmask(SIG_SETMASK, &all, &before);
}

Napi::Promise refused(Napi::Env env, spec::CommandError why) {
    return rejected(env, coded_error(env, spec::name_of(why), spec::text_of(why)));
}

Napi::Value bytes_of(Napi::Env env, const Message& message) {
    return Napi::Buffer<uint8_t>::Copy(env, message.data(), message.size());
}

}  // namespace

ControlThread::ControlThread(size_t ports_max) : control_(ports_max, *this) {}

ControlThread::~ControlThread() = default;

bool ControlThread::start(Napi::Env env, Napi::Function on_message) {
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
    on_message_ = Napi::Persistent(on_message);
    self_ = shared_from_this();
    napi_add_env_cleanup_hook(env, &ControlThread::environment_ends, this);
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

/// Nobody is left to hear of what still waits.
void ControlThread::environment_ends(void* self) {
    auto* const thread = static_cast<ControlThread*>(self);
    const std::shared_ptr<ControlThread> alive = thread->self_;
    // No handle can be given back any more.
    thread->on_message_.SuppressDestruct();
    thread->stop();
}

/// It is closed, or the environment goes.
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
}

// ---- Control thread.

/// Housekeeping has its time however many commands wait.
void ControlThread::loop() {
    control_.adopt_this_thread();
    using Clock = std::chrono::steady_clock;
    std::unique_lock lock(mutex_);
    Clock::time_point next_look = Clock::now() + housekeeping_period;
    while (!stopping_) {
        // Also between commands that never cease: who sends them must not keep it from being done.
        if (look_now_ || Clock::now() >= next_look) {
            look_now_ = false;
            lock.unlock();
            control_.housekeeping();
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
        Result result = run(job);
        lock.lock();
        results_.push_back(std::move(result));
        wake_javascript();
    }
    lock.unlock();
    abandoned_ = !control_.close();
    control_.release_this_thread();
}

ControlThread::Result ControlThread::run(Job& job) {
    if (job.close) return {job.number, {}, true, control_.close()};
    return {job.number, control_.run(job.message, std::move(job.descriptors))};
}

/// Any thread of the datapath, as the next one.
void ControlThread::event(Message message) {
    const std::scoped_lock lock(mutex_);
    events_.push_back(std::move(message));
    wake_javascript();
}

void ControlThread::housekeeping_due() {
    const std::scoped_lock lock(mutex_);
    look_now_ = true;
    work_waits_.notify_one();
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

Napi::Promise ControlThread::queue(Napi::Env env, Job job) {
    job.number = next_number_++;
    const Napi::Promise promise = promise_for(env, job.number);
    {
        const std::scoped_lock lock(mutex_);
        jobs_.push_back(std::move(job));
    }
    work_waits_.notify_one();
    return promise;
}

Napi::Promise ControlThread::send(Napi::Env env, Message message,
                                  std::vector<OwnedFd> descriptors) {
    if (closing_ || stopped_) return refused(env, spec::CommandError::closed);
    return queue(env, {0, std::move(message), std::move(descriptors)});
}

Napi::Promise ControlThread::close(Napi::Env env) {
    if (closing_ || stopped_) {
        const auto deferred = Napi::Promise::Deferred::New(env);
        deferred.Resolve(env.Undefined());
        return deferred.Promise();
    }
    closing_ = true;
    return queue(env, {0, {}, {}, true});
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
    std::vector<Message> events;
    {
        const std::scoped_lock lock(mutex_);
        results.swap(results_);
        events.swap(events_);
    }
    const Napi::HandleScope scope(env);
    for (Result& result : results) settle(env, result);
    for (const Message& event : events)
        on_message_.MakeCallback(env.Global(), {bytes_of(env, event)});
    const auto is_end = [](const Result& result) { return result.closed; };
    if (std::any_of(results.begin(), results.end(), is_end)) end(env);
}

/// Nothing more comes: the thread goes, and what it holds is JavaScript's to keep.
void ControlThread::end(Napi::Env env) {
    const std::shared_ptr<ControlThread> alive = self_;
    napi_remove_env_cleanup_hook(env, &ControlThread::environment_ends, this);
    stop();
    on_message_.Reset();
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
    if (!result.close) {
        deferred.Resolve(bytes_of(env, result.answer));
    } else if (result.closed) {
        deferred.Resolve(env.Undefined());
    } else {
        const auto busy = spec::CommandError::worker_busy;
        deferred.Reject(coded_error(env, spec::name_of(busy), spec::text_of(busy)).Value());
    }
}

}  // namespace valenic::addon
