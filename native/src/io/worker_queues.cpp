// Which queues a worker owns, and which of their descriptors it waits for: changed while it is
// parked.
#include <sys/epoll.h>

#include <algorithm>

#include "io/worker.hpp"

namespace valenic {

void Worker::add(const Parked&, Port& port, Queue& queue) {
    auto free = std::find(entries_.begin(), entries_.end(), nullptr);
    if (free == entries_.end()) free = entries_.emplace(free);
    *free = std::make_unique<Entry>();
    Entry& entry = **free;
    entry.port = &port;
    entry.queue = &queue;
    const auto queues = port.queues();
    entry.pair =
        static_cast<unsigned>(std::find(queues.begin(), queues.end(), &queue) - queues.begin());
    entry.slot = static_cast<uint32_t>(free - entries_.begin());
    entry.generation = ++next_generation_;
    ++entry_count_;
    watches_.reserve(entry_count_);
    register_fd(entry);
    activate(entry);
}

void Worker::release(std::unique_ptr<Entry>& entry) {
    unregister_fd(*entry);
    if (entry->watch != Entry::not_watched) watches_.remove(entry->watch);
    entry.reset();
    --entry_count_;
}

void Worker::remove(const Parked&, const Queue& queue) {
    for (auto& entry : entries_)
        if (entry && entry->queue == &queue) release(entry);
}

void Worker::remove(const Parked& parked, Port& port) {
    forget_in(parked, *context_, port);
    for (auto& entry : entries_)
        if (entry && entry->port == &port) release(entry);
}

void Worker::suspend(const Parked&, const Port& port) {
    for (auto& entry : entries_)
        if (entry && entry->port == &port) unregister_fd(*entry);
}

void Worker::refresh(const Parked&, const Port& port) {
    for (auto& entry : entries_) {
        if (!entry || entry->port != &port) continue;
        register_fd(*entry);
        activate(*entry);
    }
}

void Worker::register_fd(Entry& entry) {
    const int fd = entry.queue->wait_fd();
    if (fd < 0) return;
    epoll_event event{};
    // Edge-triggered: a peer that kicks while it is polled costs one event, not one for every wait.
    event.events = EPOLLIN | EPOLLET;
    event.data.u64 = tag_of(entry);
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) entry.registered_fd = fd;
}

void Worker::unregister_fd(Entry& entry) {
    if (entry.registered_fd >= 0)
        epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, entry.registered_fd, nullptr);
    entry.registered_fd = -1;
}

}  // namespace valenic
