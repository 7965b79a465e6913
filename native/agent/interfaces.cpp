// Network interfaces: what there is, and addresses, MTU, MAC, link state and channels.
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <filesystem>
#include <fstream>

#include "address.hpp"
#include "base/fd.hpp"
#include "boundary/limits.hpp"
#include "ops.hpp"

namespace valenic::agent {
namespace {

namespace fs = std::filesystem;

std::string read_line(const fs::path& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

uint64_t read_number(const fs::path& path) {
    const std::string line = read_line(path);
    return line.empty() ? 0 : std::strtoull(line.c_str(), nullptr, 0);
}

unsigned count_queues(const fs::path& device, const std::string& prefix) {
    unsigned count = 0;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(device / "queues", error))
        count += entry.path().filename().string().starts_with(prefix);
    return count;
}

Json addresses_of(const std::string& name) {
    Json list = Json::array();
    ifaddrs* first = nullptr;
    if (getifaddrs(&first) != 0) return list;
    for (const ifaddrs* at = first; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != AF_INET || name != at->ifa_name)
            continue;
        const auto host = [](const sockaddr* address) {
            return ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr);
        };
        const uint32_t bits = host(at->ifa_addr);
        list.push_back(std::to_string(bits >> 24) + "." + std::to_string(bits >> 16 & 255) + "." +
                       std::to_string(bits >> 8 & 255) + "." + std::to_string(bits & 255) + "/" +
                       std::to_string(__builtin_popcount(host(at->ifa_netmask))));
    }
    freeifaddrs(first);
    return list;
}

/// A socket and a request structure for one interface.
class InterfaceControl {
 public:
    explicit InterfaceControl(std::string name)
        : name_(std::move(name)), socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        if (!socket_.valid()) fail_errno("opening a socket");
        if (name_.empty() || name_.size() >= IFNAMSIZ || if_nametoindex(name_.c_str()) == 0)
            throw OpError("there is no interface \"" + name_ + "\"");
    }

    ifreq request() const {
        ifreq request{};
        name_.copy(request.ifr_name, IFNAMSIZ - 1);
        return request;
    }
    void control(unsigned long code, ifreq& request, const char* doing) const {
        if (ioctl(socket_.get(), code, &request) != 0) fail_errno(name_ + ": " + doing);
    }

    bool is_up() const {
        ifreq flags = request();
        control(SIOCGIFFLAGS, flags, "reading its flags");
        return (flags.ifr_flags & IFF_UP) != 0;
    }
    void set_up(bool up) const {
        ifreq flags = request();
        control(SIOCGIFFLAGS, flags, "reading its flags");
        flags.ifr_flags =
            static_cast<short>(up ? flags.ifr_flags | IFF_UP : flags.ifr_flags & ~IFF_UP);
        control(SIOCSIFFLAGS, flags, up ? "setting it up" : "setting it down");
    }
    void set_mtu(int mtu) const {
        ifreq wanted = request();
        wanted.ifr_mtu = mtu;
        control(SIOCSIFMTU, wanted, "setting its MTU");
    }
    void set_mac(const Mac& mac) const {
        ifreq wanted = request();
        wanted.ifr_hwaddr.sa_family = ARPHRD_ETHER;
        std::memcpy(wanted.ifr_hwaddr.sa_data, mac.data(), mac.size());
        control(SIOCSIFHWADDR, wanted, "setting its MAC address");
    }
    void set_address(const Ipv4Prefix& prefix) const {
        const auto fill = [this](uint32_t bits) {
            ifreq wanted = request();
            auto* address = reinterpret_cast<sockaddr_in*>(&wanted.ifr_addr);
            address->sin_family = AF_INET;
            address->sin_addr.s_addr = htonl(bits);
            return wanted;
        };
        ifreq address = fill(prefix.address);
        control(SIOCSIFADDR, address, "setting its address");
        ifreq mask = fill(prefix.mask());
        control(SIOCSIFNETMASK, mask, "setting its netmask");
    }

 private:
    std::string name_;
    OwnedFd socket_;
};

Mac wanted_mac(const Args& args) {
    const std::string text = args.text("mac");
    const auto mac = parse_mac(text);
    if (!mac) throw OpError("\"" + text + "\" is not a MAC address");
    return *mac;
}

Json describe(const std::string& name) {
    const fs::path device = fs::path("/sys/class/net") / name;
    std::error_code error;
    const fs::path driver = fs::read_symlink(device / "device/driver", error);
    return {{"name", name},
            {"mac", read_line(device / "address")},
            {"mtu", read_number(device / "mtu")},
            {"up", (read_number(device / "flags") & IFF_UP) != 0},
            {"carrier", read_number(device / "carrier") == 1},
            {"driver", driver.filename().string()},
            {"rxQueues", count_queues(device, "rx-")},
            {"txQueues", count_queues(device, "tx-")},
            {"addresses", addresses_of(name)}};
}

}  // namespace

Json list_interfaces() {
    Json list = Json::array();
    for (const auto& entry : fs::directory_iterator("/sys/class/net"))
        if (entry.is_directory()) list.push_back(describe(entry.path().filename().string()));
    std::sort(list.begin(), list.end(),
              [](const Json& a, const Json& b) { return a["name"] < b["name"]; });
    return list;
}

/// {interface, mac?, mtu?, address?, up?}: in this order, so that an address meets its final MAC.
Json op_configure(const Args& args, OpContext&) {
    const std::string name = args.text("interface");
    const InterfaceControl control(name);
    if (args.has("mac")) control.set_mac(wanted_mac(args));
    if (args.has("mtu"))
        control.set_mtu(static_cast<int>(args.whole("mtu", boundary::mtu_min, boundary::mtu_max)));
    if (args.has("address")) {
        const std::string text = args.text("address");
        const auto prefix = parse_ipv4_prefix(text);
        if (!prefix) throw OpError("\"" + text + "\" is not an address like 10.0.0.1/24");
        control.set_address(*prefix);
    }
    // Setting an address sets the interface up as well; what was asked for has the last word.
    if (args.has("up")) control.set_up(args.boolean("up"));
    return {{"interface", describe(name)}};
}

Json op_link(const Args& args, OpContext&) {
    const std::string name = args.text("interface");
    InterfaceControl(name).set_up(args.boolean("up"));
    return {{"interface", describe(name)}};
}

Json op_set_mac(const Args& args, OpContext&) {
    const std::string name = args.text("interface");
    const InterfaceControl control(name);
    control.set_mac(wanted_mac(args));
    return {{"interface", describe(name)}};
}

/// {interface, combined?}: sets the queue pairs in use when given, and tells them.
Json op_channels(const Args& args, OpContext&) {
    const InterfaceControl control(args.text("interface"));
    ethtool_channels channels{};
    const auto ethtool = [&](uint32_t command, const char* doing) {
        channels.cmd = command;
        ifreq request = control.request();
        request.ifr_data = reinterpret_cast<char*>(&channels);
        control.control(SIOCETHTOOL, request, doing);
    };
    ethtool(ETHTOOL_GCHANNELS, "reading its channels");
    if (args.has("combined")) {
        channels.combined_count = static_cast<uint32_t>(args.whole("combined", 1, 256));
        ethtool(ETHTOOL_SCHANNELS, "setting its channels");
        ethtool(ETHTOOL_GCHANNELS, "reading its channels");
    }
    return {{"combined", channels.combined_count}, {"most", channels.max_combined}};
}

}  // namespace valenic::agent
