// Descriptors that came by a socket: closed and examined on threads that nobody waits for.
//
// close() of a TCP socket may linger for as long as its sender said; close(), fstat() and fstatfs()
// of a file of FUSE wait for a server that may be silent for ever. Not even the last reference need
// be ours: a socket that is closed lets go of what lies in it unread.
#pragma once
#include <napi.h>

#include <cstdint>
#include <vector>

#include "base/fd.hpp"

namespace valenic::addon {

/// Whose descriptors they are: a port's number, or 0: nobody's in particular. What is stuck keeps
/// those of the same owner waiting, and no others.
using FdOwner = uint32_t;

/// Takes the descriptor over and closes it soon.
void close_elsewhere(OwnedFd fd, FdOwner owner);

/// Descriptors that are handed over to close_elsewhere() unless they are taken out.
class ForeignFds {
 public:
    explicit ForeignFds(FdOwner owner) : owner_(owner) {}
    ~ForeignFds() {
        for (OwnedFd& fd : fds_) close_elsewhere(std::move(fd), owner_);
    }
    ForeignFds(const ForeignFds&) = delete;
    ForeignFds& operator=(const ForeignFds&) = delete;

    void reserve(size_t count) { fds_.reserve(count); }
    void add(int fd) { fds_.emplace_back(fd); }
    size_t size() const noexcept { return fds_.size(); }
    int at(size_t index) const noexcept { return fds_[index].get(); }
    /// Somebody else owns them now.
    void release_all() noexcept {
        for (OwnedFd& fd : fds_) (void)fd.release();
        fds_.clear();
    }

 private:
    const FdOwner owner_;
    std::vector<OwnedFd> fds_;
};

/// Adds closeForeignFd, foreignFdsWaiting and fileSystemOf of `NativeAddon`
/// (native/boundary/addon.ts).
void register_foreign_fds(Napi::Env env, Napi::Object exports);

}  // namespace valenic::addon
