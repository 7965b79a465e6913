#include "port/kernel_function.hpp"

#include <fcntl.h>
#include <linux/btf.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "base/fd.hpp"

namespace valenic {

namespace {

/// Several times what a distribution's kernel has.
constexpr size_t types_bytes_max = 64 << 20;

std::vector<uint8_t> read_types() {
    std::vector<uint8_t> bytes;
    const OwnedFd fd(open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC));
    constexpr size_t step = 1 << 20;
    for (size_t used = 0; fd.valid() && used < types_bytes_max;) {
        bytes.resize(used + step);
        const ssize_t count = read(fd.get(), bytes.data() + used, step);
        used += count > 0 ? static_cast<size_t>(count) : 0;
        bytes.resize(used);
        if (count <= 0) break;
    }
    return bytes;
}

/// What stands behind a type. Kernel, Documentation/bpf/btf.rst, "2.2 Type Encoding".
size_t bytes_behind(uint32_t info) noexcept {
    const size_t count = BTF_INFO_VLEN(info);
    switch (BTF_INFO_KIND(info)) {
        case BTF_KIND_INT:
        case BTF_KIND_VAR:
        case BTF_KIND_DECL_TAG:
            return sizeof(uint32_t);
        case BTF_KIND_ARRAY:
            return sizeof(btf_array);
        case BTF_KIND_STRUCT:
        case BTF_KIND_UNION:
            return count * sizeof(btf_member);
        case BTF_KIND_ENUM:
            return count * sizeof(btf_enum);
        case BTF_KIND_FUNC_PROTO:
            return count * sizeof(btf_param);
        case BTF_KIND_DATASEC:
            return count * sizeof(btf_var_secinfo);
        case BTF_KIND_ENUM64:
            return count * 3 * sizeof(uint32_t);
        default:
            return 0;
    }
}

}  // namespace

unsigned kernel_function(const char* name) {
    const std::vector<uint8_t> bytes = read_types();
    btf_header header{};
    if (bytes.size() < sizeof header) return 0;
    std::memcpy(&header, bytes.data(), sizeof header);
    const size_t types = size_t{header.hdr_len} + header.type_off;
    const size_t names = size_t{header.hdr_len} + header.str_off;
    const size_t length = std::strlen(name) + 1;
    if (header.magic != BTF_MAGIC || types + header.type_len > bytes.size() ||
        names + header.str_len > bytes.size())
        return 0;
    const size_t end = types + header.type_len;
    unsigned number = 1;  // 0 is void.
    for (size_t at = types; at + sizeof(btf_type) <= end; ++number) {
        btf_type type;
        std::memcpy(&type, bytes.data() + at, sizeof type);
        const bool fits = size_t{type.name_off} + length <= header.str_len;
        if (BTF_INFO_KIND(type.info) == BTF_KIND_FUNC && fits &&
            std::memcmp(bytes.data() + names + type.name_off, name, length) == 0)
            return number;
        at += sizeof type + bytes_behind(type.info);
    }
    return 0;
}

}  // namespace valenic
