#include "jobs.hpp"

namespace valenic::agent {

Json Jobs::add(std::unique_ptr<Job> job) {
    const std::lock_guard lock(mutex_);
    if (jobs_.size() >= most_jobs)
        throw OpError("at most " + std::to_string(most_jobs) + " jobs run at a time");
    const uint64_t number = next_++;
    jobs_.emplace(number, std::move(job));
    return {{"job", number}};
}

std::shared_ptr<Job> Jobs::find(uint64_t number) {
    const std::lock_guard lock(mutex_);
    const auto found = jobs_.find(number);
    if (found == jobs_.end()) throw OpError("there is no job " + std::to_string(number));
    return found->second;
}

Json Jobs::report(uint64_t number, bool reset) { return find(number)->report(reset); }

bool Jobs::done(uint64_t number) { return find(number)->done(); }

Json Jobs::stop(uint64_t number) {
    const std::shared_ptr<Job> job = find(number);
    job->stop();
    Json last = job->report(false);
    const std::lock_guard lock(mutex_);
    jobs_.erase(number);
    return last;
}

void Jobs::stop_all() {
    std::map<uint64_t, std::shared_ptr<Job>> ending;
    {
        const std::lock_guard lock(mutex_);
        ending.swap(jobs_);
    }
    for (auto& [number, job] : ending) job->stop();
}

}  // namespace valenic::agent
