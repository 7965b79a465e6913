// Work that runs on after its request was answered: receivers and listeners.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "request.hpp"

namespace valenic::agent {

/// One running job. Its destructor stops it and waits for its thread.
class Job {
 public:
    virtual ~Job() = default;
    /// What happened so far. Called from any thread.
    virtual Json report(bool reset) = 0;
    /// It has nothing left to do (a listener whose transfer ended).
    virtual bool done() const { return false; }
    /// Ends the work and waits for it; report() stays valid.
    virtual void stop() = 0;
};

/// The jobs of one connection, by number.
class Jobs {
 public:
    /// Takes a job; answers `{job}`. Throws OpError when there are too many.
    Json add(std::unique_ptr<Job> job);
    Json report(uint64_t number, bool reset);
    /// The last report; the number is free afterwards.
    Json stop(uint64_t number);
    /// Whether it is done. Throws OpError for a number that does not exist.
    bool done(uint64_t number);
    void stop_all();

 private:
    static constexpr size_t most_jobs = 16;
    std::mutex mutex_;
    std::map<uint64_t, std::shared_ptr<Job>> jobs_;
    uint64_t next_ = 1;

    std::shared_ptr<Job> find(uint64_t number);
};

}  // namespace valenic::agent
