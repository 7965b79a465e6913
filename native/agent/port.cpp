#include "port.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace valenic::agent {
namespace {

/// udev would make /dev/virtio-ports/NAME; in an initramfs only sysfs knows the names.
std::string find_device() {
    const std::string link = std::string("/dev/virtio-ports/") + agent_port_name;
    if (access(link.c_str(), F_OK) == 0) return link;
    std::error_code error;
    for (const auto& entry :
         std::filesystem::directory_iterator("/sys/class/virtio-ports", error)) {
        std::ifstream file(entry.path() / "name");
        std::string name;
        if (std::getline(file, name) && name == agent_port_name)
            return "/dev/" + entry.path().filename().string();
    }
    return {};
}

void sleep_ms(long ms) {
    const timespec time{ms / 1000, ms % 1000 * 1'000'000};
    nanosleep(&time, nullptr);
}

}  // namespace

bool HostPort::open() {
    for (int attempt = 0; attempt < 1000; ++attempt, sleep_ms(10)) {
        const std::string device = find_device();
        if (device.empty()) {
            error_ = std::string("there is no virtio-serial port ") + agent_port_name;
            continue;
        }
        fd_.reset(::open(device.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
        if (fd_.valid()) return true;
        error_ = device + ": " + std::strerror(errno);
    }
    return false;
}

HostPort::Event HostPort::wait(std::string& bytes) {
    for (;;) {
        pollfd wanted{fd_.get(), POLLIN, 0};
        poll(&wanted, 1, -1);
        if (wanted.revents & POLLIN) {
            char buffer[16 << 10];
            const ssize_t got = read(fd_.get(), buffer, sizeof buffer);
            if (got > 0) {
                connected_ = true;
                bytes.assign(buffer, static_cast<size_t>(got));
                return Event::bytes;
            }
        }
        if (!(wanted.revents & POLLHUP)) continue;
        if (connected_) {
            connected_ = false;
            return Event::disconnected;
        }
        sleep_ms(20);
    }
}

void HostPort::send(std::string_view text) {
    while (!text.empty()) {
        const ssize_t put = write(fd_.get(), text.data(), text.size());
        if (put > 0) {
            text.remove_prefix(static_cast<size_t>(put));
            continue;
        }
        if (put < 0 && errno != EAGAIN && errno != EINTR) return;
        pollfd wanted{fd_.get(), POLLOUT, 0};
        poll(&wanted, 1, 100);
        if (wanted.revents & POLLHUP) return;
    }
}

}  // namespace valenic::agent
