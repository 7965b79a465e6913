// A modern virtio PCI device driven from user space through sysfs: no kernel module.
//
// @spec virtio 1.2, 4.1 "Virtio Over PCI Bus"; 3.1.1 "Driver Requirements: Device Initialization".
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/machine.hpp"
#include "base/result.hpp"
#include "spec/virtio_pci.hpp"

namespace valenic::driver {

/// Addresses of one virtqueue as the device sees them.
struct PciQueue {
    uint64_t desc;
    uint64_t avail;
    uint64_t used;
    uint16_t size;
};

class VirtioPci {
 public:
    /// `address`: "0000:00:03.0". Takes the device from the kernel's driver, maps its registers and
    /// resets it.
    static Result<VirtioPci, std::string> open(const std::string& address);
    VirtioPci(VirtioPci&& other) noexcept;
    VirtioPci(const VirtioPci&) = delete;
    VirtioPci& operator=(const VirtioPci&) = delete;
    /// Resets the device and gives it back to the kernel's driver.
    ~VirtioPci();

    /// Acknowledges what of `wanted` is offered. Returns it, or a sentence.
    Result<uint64_t, std::string> negotiate(uint64_t wanted);
    /// Largest size the device takes for a queue; 0 = there is no such queue.
    uint16_t queue_size_max(uint16_t queue);
    bool set_up_queue(uint16_t queue, const PciQueue& where);
    void start();
    /// The doorbell. What was published before is visible to who is woken.
    void kick(uint16_t queue) noexcept {
        device_fence();
        *doorbells_[queue] = queue;
    }

 private:
    struct Bar {
        uint8_t* data = nullptr;
        size_t bytes = 0;
    };
    explicit VirtioPci(std::string address) : address_(std::move(address)) {}
    bool unbind();
    std::string map_registers();
    uint8_t* map(const spec::PciCap& cap);
    void take_capability(const spec::PciCap& cap, uint32_t multiplier);
    void reset();

    std::string address_;
    std::string driver_;  ///< The kernel's driver that we took it from.
    Bar bars_[6];
    volatile spec::PciCommonCfg* common_ = nullptr;
    uint8_t* notify_ = nullptr;
    uint32_t notify_multiplier_ = 0;
    std::vector<volatile uint16_t*> doorbells_;
};

/// PCI address behind a network interface, e.g. "0000:00:03.0"; empty when it has none.
std::string pci_address_of(const std::string& interface);

}  // namespace valenic::driver
