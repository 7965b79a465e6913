// The thread that owns the datapath: messages go to it in order, answers and events come back.
#pragma once
#include <napi.h>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "control/control.hpp"

namespace valenic::addon {

using Message = std::vector<uint8_t>;

/// Its threads end with close(). Teardown: an environment hook registered after the thread-safe
/// function joins the thread that is left, so none of ours speaks to an environment that is gone.
class ControlThread : public std::enable_shared_from_this<ControlThread>,
                      private control::EventSink {
 public:
    explicit ControlThread(size_t ports_max);
    ~ControlThread() override;
    ControlThread(const ControlThread&) = delete;
    ControlThread& operator=(const ControlThread&) = delete;

    /// False when the system refuses a thread. JavaScript thread, as all below.
    bool start(Napi::Env env, Napi::Function on_message);
    /// Runs the command in `message` after everything queued before it. Resolves with the message
    /// that answers.
    Napi::Promise send(Napi::Env env, Message message, std::vector<OwnedFd> descriptors);
    /// Stops the datapath after everything queued before it.
    Napi::Promise close(Napi::Env env);
    std::span<const uint64_t> stats() const noexcept { return control_.stats(); }

 private:
    /// A command, or that the datapath is to close.
    struct Job {
        uint64_t number;
        Message message;
        std::vector<OwnedFd> descriptors;
        bool close = false;
    };
    struct Result {
        uint64_t number;
        Message answer;
        bool close = false;
        bool closed = false;
    };

    void event(Message message) override;
    void housekeeping_due() override;

    void loop();
    bool start_thread();
    Result run(Job& job);
    void wake_javascript();
    static void environment_ends(void* self);
    void stop();
    void deliver(Napi::Env env);
    void end(Napi::Env env);
    void settle(Napi::Env env, Result& result);
    Napi::Promise queue(Napi::Env env, Job job);
    Napi::Promise promise_for(Napi::Env env, uint64_t number);
    static void call_js(napi_env env, napi_value, void* context, void*);

    std::mutex mutex_;
    std::condition_variable work_waits_;
    std::deque<Job> jobs_;         // under mutex_
    bool stopping_ = false;        // under mutex_
    bool look_now_ = false;        // under mutex_: housekeeping before the next command
    std::vector<Result> results_;  // under mutex_
    std::vector<Message> events_;  // under mutex_

    bool abandoned_ = false;    // control thread, then the thread that joined it
    control::Control control_;  // control thread, except stats()
    std::thread thread_;
    napi_threadsafe_function speak_ = nullptr;

    // JavaScript thread:
    std::shared_ptr<ControlThread> self_;  // from start() until it is closed, or the environment is
    std::deque<std::pair<uint64_t, Napi::Promise::Deferred>> waiting_;
    Napi::FunctionReference on_message_;
    uint64_t next_number_ = 1;
    bool closing_ = false;
    bool stopped_ = false;
};

}  // namespace valenic::addon
