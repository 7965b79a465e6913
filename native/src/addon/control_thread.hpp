// The thread that owns the engine: commands go to it in order, answers and events come back.
#pragma once
#include <napi.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "io/engine.hpp"

namespace valenic::addon {

/// The result of a command: a refusal, or a function that makes the answer in JavaScript.
struct Outcome {
    std::optional<Refusal> refusal;
    std::function<Napi::Value(Napi::Env)> answer;
};
/// A command without its JavaScript: made on the JavaScript thread, run on the control thread.
using Work = std::function<Outcome(Engine&)>;

/// Teardown: an environment hook registered after the thread-safe function joins the thread, so no
/// thread of ours speaks to an environment that is gone.
class ControlThread : public std::enable_shared_from_this<ControlThread> {
 public:
    ControlThread(size_t ports_max);
    ~ControlThread();
    ControlThread(const ControlThread&) = delete;
    ControlThread& operator=(const ControlThread&) = delete;

    /// False when the system refuses a thread. JavaScript thread, as all below.
    bool start(Napi::Env env, Napi::Function on_event);
    /// Runs `work` after everything queued before it.
    Napi::Promise run(Napi::Env env, Work work);
    /// Stops the datapath after everything queued before it.
    Napi::Promise close(Napi::Env env);
    std::span<const uint64_t> stats() const noexcept { return engine_.stats(); }

 private:
    struct Job {
        uint64_t number;
        Work work;
    };
    struct Result {
        uint64_t number;
        Outcome outcome;
    };

    void loop();
    bool start_thread();
    void say(const EngineEvent& event);
    void wake_javascript();
    void stop();
    void deliver(Napi::Env env);
    void settle(Napi::Env env, Result& result);
    Napi::Promise promise_for(Napi::Env env, uint64_t number);
    static void call_js(napi_env env, napi_value, void* context, void*);

    std::mutex mutex_;
    std::condition_variable work_waits_;
    std::deque<Job> jobs_;             // under mutex_
    bool stopping_ = false;            // under mutex_
    bool look_now_ = false;            // under mutex_: housekeeping before the next command
    std::vector<Result> results_;      // under mutex_
    std::vector<EngineEvent> events_;  // under mutex_

    bool abandoned_ = false;  // control thread, then the thread that joined it
    Engine engine_;           // control thread, except stats()
    std::thread thread_;
    napi_threadsafe_function speak_ = nullptr;

    // JavaScript thread:
    std::shared_ptr<ControlThread> self_;  // from start() until the environment's end
    std::deque<std::pair<uint64_t, Napi::Promise::Deferred>> waiting_;
    Napi::FunctionReference on_event_;
    uint64_t next_number_ = 1;
    bool closing_ = false;
    bool stopped_ = false;
};

}  // namespace valenic::addon
