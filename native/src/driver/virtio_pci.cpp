#include "driver/virtio_pci.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstring>
#include <utility>

#include "base/fd.hpp"

namespace valenic::driver {

namespace {

// PCI Local Bus Specification 3.0, 6.1 "Configuration Space Organization".
constexpr size_t pci_command = 0x04;
constexpr size_t pci_status = 0x06;
constexpr size_t pci_capabilities = 0x34;
constexpr uint16_t pci_command_memory = 0x2;
constexpr uint16_t pci_command_master = 0x4;
constexpr uint16_t pci_status_has_capabilities = 0x10;
constexpr size_t config_bytes = 256;
/// A list of capabilities cannot be longer without a loop.
constexpr int capabilities_max = 48;

std::string device_path(const std::string& address, const char* file) {
    return "/sys/bus/pci/devices/" + address + "/" + file;
}

bool write_text(const std::string& path, const std::string& text) {
    const OwnedFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    return file.valid() &&
           write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::string link_name(const std::string& path) {
    char target[PATH_MAX];
    const ssize_t length = readlink(path.c_str(), target, sizeof target - 1);
    if (length <= 0) return {};
    const std::string whole(target, static_cast<size_t>(length));
    return whole.substr(whole.rfind('/') + 1);
}

}  // namespace

std::string pci_address_of(const std::string& interface) {
    char resolved[PATH_MAX];
    const std::string path = "/sys/class/net/" + interface + "/device";
    if (realpath(path.c_str(), resolved) == nullptr) return {};
    std::string device(resolved);  // .../0000:00:03.0/virtio1
    device.resize(device.rfind('/'));
    return device.substr(device.rfind('/') + 1);
}

Result<VirtioPci, std::string> VirtioPci::open(const std::string& address) {
    VirtioPci device(address);
    struct stat facts {};
    if (address.empty() || stat(device_path(address, "config").c_str(), &facts) != 0)
        return std::string("no PCI device has the address '" + address + "'");
    if (!device.unbind()) return std::string(address + ": the kernel does not let go of it");
    std::string error = device.map_registers();
    if (!error.empty()) return address + ": " + error;
    device.reset();
    return device;
}

VirtioPci::VirtioPci(VirtioPci&& other) noexcept
    : address_(std::exchange(other.address_, {})),
      driver_(std::exchange(other.driver_, {})),
      common_(std::exchange(other.common_, nullptr)),
      notify_(std::exchange(other.notify_, nullptr)),
      notify_multiplier_(other.notify_multiplier_),
      doorbells_(std::move(other.doorbells_)) {
    for (size_t i = 0; i < std::size(bars_); ++i) bars_[i] = std::exchange(other.bars_[i], {});
}

VirtioPci::~VirtioPci() {
    if (common_ != nullptr) reset();
    for (const Bar& bar : bars_)
        if (bar.data != nullptr) munmap(bar.data, bar.bytes);
    if (!driver_.empty()) write_text("/sys/bus/pci/drivers/" + driver_ + "/bind", address_);
}

bool VirtioPci::unbind() {
    driver_ = link_name(device_path(address_, "driver"));
    return driver_.empty() || write_text(device_path(address_, "driver/unbind"), address_);
}

/// Finds the structures by the capability list and enables memory access and bus mastering.
std::string VirtioPci::map_registers() {
    const OwnedFd file(::open(device_path(address_, "config").c_str(), O_RDWR | O_CLOEXEC));
    std::array<uint8_t, config_bytes> config{};
    if (!file.valid() || pread(file.get(), config.data(), config.size(), 0) < 64)
        return "its configuration space cannot be read";
    uint16_t command = 0;
    uint16_t status = 0;
    std::memcpy(&command, &config[pci_command], sizeof command);
    std::memcpy(&status, &config[pci_status], sizeof status);
    command |= pci_command_memory | pci_command_master;
    if (pwrite(file.get(), &command, sizeof command, pci_command) != sizeof command)
        return "its configuration space cannot be written";
    if ((status & pci_status_has_capabilities) == 0) return "it has no capabilities";
    size_t at = config[pci_capabilities];
    for (int i = 0; i < capabilities_max && at >= 64 && at + sizeof(spec::PciCap) <= config.size();
         ++i) {
        spec::PciCap cap;
        std::memcpy(&cap, &config[at], sizeof cap);
        uint32_t multiplier = 0;
        if (at + sizeof cap + sizeof multiplier <= config.size())
            std::memcpy(&multiplier, &config[at + sizeof cap], sizeof multiplier);
        if (cap.cap_vndr == spec::pci_cap_id_vendor) take_capability(cap, multiplier);
        at = cap.cap_next;
    }
    if (common_ == nullptr || notify_ == nullptr) return "it is not a modern virtio device";
    return {};
}

void VirtioPci::take_capability(const spec::PciCap& cap, uint32_t multiplier) {
    if (cap.cfg_type == spec::pci_cfg_type_common && common_ == nullptr)
        common_ = reinterpret_cast<volatile spec::PciCommonCfg*>(map(cap));
    if (cap.cfg_type == spec::pci_cfg_type_notify && notify_ == nullptr) {
        notify_ = map(cap);
        notify_multiplier_ = multiplier;
    }
}

uint8_t* VirtioPci::map(const spec::PciCap& cap) {
    if (cap.bar >= std::size(bars_)) return nullptr;
    Bar& bar = bars_[cap.bar];
    if (bar.data == nullptr) {
        const std::string path =
            device_path(address_, ("resource" + std::to_string(cap.bar)).c_str());
        const OwnedFd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
        struct stat facts {};
        if (!file.valid() || fstat(file.get(), &facts) != 0 || facts.st_size == 0) return nullptr;
        const auto bytes = static_cast<size_t>(facts.st_size);
        void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
        if (data == MAP_FAILED) return nullptr;
        bar = {static_cast<uint8_t*>(data), bytes};
    }
    if (cap.offset > bar.bytes || cap.length > bar.bytes - cap.offset) return nullptr;
    return bar.data + cap.offset;
}

void VirtioPci::reset() {
    common_->device_status = 0;
    for (int i = 0; i < 1000 && common_->device_status != 0; ++i) usleep(1000);
}

Result<uint64_t, std::string> VirtioPci::negotiate(uint64_t wanted) {
    common_->device_status = spec::status_acknowledge;
    common_->device_status = spec::status_acknowledge | spec::status_driver;
    uint64_t chosen = 0;
    for (uint32_t half = 0; half < 2; ++half) {
        common_->device_feature_select = half;
        const uint64_t offered = uint64_t{common_->device_feature} << (32 * half);
        chosen |= offered & wanted;
        common_->driver_feature_select = half;
        common_->driver_feature = static_cast<uint32_t>((offered & wanted) >> (32 * half));
    }
    const uint8_t agreed =
        spec::status_acknowledge | spec::status_driver | spec::status_features_ok;
    common_->device_status = agreed;
    if ((common_->device_status & spec::status_features_ok) == 0)
        return std::string(address_ + ": the device refuses these features");
    return chosen;
}

uint16_t VirtioPci::queue_size_max(uint16_t queue) {
    common_->queue_select = queue;
    return common_->queue_size;
}

bool VirtioPci::set_up_queue(uint16_t queue, const PciQueue& where) {
    if (queue_size_max(queue) < where.size) return false;
    common_->queue_size = where.size;
    common_->queue_msix_vector = spec::msi_no_vector;
    // 64-bit registers may be written by halves. virtio 1.2, 4.1.3.1.
    const auto write_address = [](volatile uint64_t& field, uint64_t value) {
        auto* halves = reinterpret_cast<volatile uint32_t*>(&field);
        halves[0] = static_cast<uint32_t>(value);
        halves[1] = static_cast<uint32_t>(value >> 32);
    };
    write_address(const_cast<volatile uint64_t&>(common_->queue_desc), where.desc);
    write_address(const_cast<volatile uint64_t&>(common_->queue_driver), where.avail);
    write_address(const_cast<volatile uint64_t&>(common_->queue_device), where.used);
    if (doorbells_.size() <= queue) doorbells_.resize(queue + 1u);
    doorbells_[queue] = reinterpret_cast<volatile uint16_t*>(
        notify_ + size_t{common_->queue_notify_off} * notify_multiplier_);
    common_->queue_enable = 1;
    return true;
}

void VirtioPci::start() {
    common_->device_status = spec::status_acknowledge | spec::status_driver |
                             spec::status_features_ok | spec::status_driver_ok;
}

}  // namespace valenic::driver
