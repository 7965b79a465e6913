#include "server.hpp"

#include <algorithm>
#include <thread>

namespace valenic::agent {

bool LineReader::feed(std::string_view bytes, const std::function<void(std::string_view)>& line) {
    while (!bytes.empty()) {
        const size_t end = bytes.find('\n');
        if (end == std::string_view::npos) {
            buffer_.append(bytes);
            return buffer_.size() <= max_line_bytes;
        }
        buffer_.append(bytes.substr(0, end));
        bytes.remove_prefix(end + 1);
        if (buffer_.size() > max_line_bytes) return false;
        const std::string whole = std::move(buffer_);
        buffer_.clear();
        if (!whole.empty()) line(whole);
    }
    return true;
}

void Server::handle(std::string_view line) {
    Json request = Json::parse(line, nullptr, false);
    if (!request.is_object()) {
        answer(nullptr, {{"error", "a request must be one JSON object on a line"}});
        return;
    }
    const Json id = request.value("id", Json());
    const auto name = request.find("op");
    if (name == request.end() || !name->is_string()) {
        answer(id, {{"error", "a request must have an op"}});
        return;
    }
    const auto ops = all_ops();
    const auto op = std::find_if(ops.begin(), ops.end(), [&](const Op& candidate) {
        return candidate.name == name->get_ref<const std::string&>();
    });
    if (op == ops.end()) {
        answer(id, {{"error", "there is no operation " + name->get<std::string>()}});
    } else if (op->takes_time) {
        start_thread(*op, std::move(request));
    } else {
        run(*op, request);
    }
}

void Server::run(const Op& op, const Json& request) {
    const Json id = request.value("id", Json());
    try {
        OpContext context{stop_, jobs_};
        Json body = op.run(Args(request), context);
        body["ok"] = true;
        answer(id, std::move(body));
    } catch (const std::exception& error) {
        answer(id, {{"error", error.what()}});
    }
}

void Server::start_thread(const Op& op, Json request) {
    {
        const std::lock_guard lock(threads_mutex_);
        if (threads_ < most_threads) {
            ++threads_;
        } else {
            answer(request.value("id", Json()), {{"error", "16 operations are already running"}});
            return;
        }
    }
    std::thread([this, &op, request = std::move(request)] {
        run(op, request);
        const std::lock_guard lock(threads_mutex_);
        --threads_;
        thread_ended_.notify_all();  // Under the lock: disconnect() may destroy us right after.
    }).detach();
}

void Server::answer(const Json& id, Json body) {
    body["id"] = id;
    // A name from the kernel may hold any byte; an answer is always UTF-8.
    const std::string text = body.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
    const std::lock_guard lock(send_mutex_);
    send_(text);
}

void Server::disconnect() {
    stop_.store(true, std::memory_order_relaxed);
    {
        std::unique_lock lock(threads_mutex_);
        thread_ended_.wait(lock, [this] { return threads_ == 0; });
    }
    jobs_.stop_all();
    stop_.store(false, std::memory_order_relaxed);
}

}  // namespace valenic::agent
