// One connection: request lines in, answer lines out, threads for what takes time.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "ops.hpp"

namespace valenic::agent {

/// Longest request line; ours are below 1 KiB.
inline constexpr size_t max_line_bytes = 64 << 10;

/// Cuts a byte stream into lines.
class LineReader {
 public:
    /// Calls `line` for each complete line. False: a line is too long, and the stream is useless.
    bool feed(std::string_view bytes, const std::function<void(std::string_view)>& line);
    void clear() { buffer_.clear(); }

 private:
    std::string buffer_;
};

class Server {
 public:
    /// `send` writes one answer line, newline included; called from any thread, never concurrently.
    explicit Server(std::function<void(const std::string&)> send) : send_(std::move(send)) {}
    ~Server() { disconnect(); }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    void handle(std::string_view line);
    /// The host went away: ends every operation and job, and waits for them.
    void disconnect();

 private:
    static constexpr unsigned most_threads = 16;
    std::function<void(const std::string&)> send_;
    std::mutex send_mutex_;
    Jobs jobs_;
    std::atomic<bool> stop_{false};
    std::mutex threads_mutex_;
    std::condition_variable thread_ended_;
    unsigned threads_ = 0;

    void run(const Op& op, const Json& request);
    void answer(const Json& id, Json body);
    void start_thread(const Op& op, Json request);
};

}  // namespace valenic::agent
