#include "port/packet/kernel_function.hpp"

#include <fcntl.h>
#include <linux/btf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <memory>

#include "base/fd.hpp"

namespace valenic {

namespace {

/// Several times what a distribution's kernel has.
constexpr off_t types_bytes_max = 64 << 20;

struct Types {
    std::unique_ptr<uint8_t[]> bytes;  // Not a vector: that would write all of it first.
    size_t count = 0;
};

Types read_types() {
    Types types;
    const OwnedFd fd(open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC));
    struct stat file {};
    if (!fd.valid() || fstat(fd.get(), &file) != 0 || file.st_size > types_bytes_max) return types;
    const auto size = static_cast<size_t>(file.st_size);
    types.bytes.reset(new uint8_t[size]);
    while (types.count < size) {
        const ssize_t count = read(fd.get(), &types.bytes[types.count], size - types.count);
        if (count <= 0) break;
        types.count += static_cast<size_t>(count);
    }
    return types;
}

/// What follows a type. Kernel, Documentation/bpf/btf.rst, "2.2 Type Encoding".
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
    const Types all = read_types();
    const uint8_t* const bytes = all.bytes.get();
    btf_header header{};
    if (all.count < sizeof header) return 0;
    std::memcpy(&header, bytes, sizeof header);
    const size_t types = size_t{header.hdr_len} + header.type_off;
    const size_t names = size_t{header.hdr_len} + header.str_off;
    const size_t length = std::strlen(name) + 1;
    if (header.magic != BTF_MAGIC || types + header.type_len > all.count ||
        names + header.str_len > all.count)
        return 0;
    const size_t end = types + header.type_len;
    unsigned number = 1;  // 0 is void.
    for (size_t at = types; at + sizeof(btf_type) <= end; ++number) {
        btf_type type;
        std::memcpy(&type, bytes + at, sizeof type);
        const bool fits = size_t{type.name_off} + length <= header.str_len;
        if (BTF_INFO_KIND(type.info) == BTF_KIND_FUNC && fits &&
            std::memcmp(bytes + names + type.name_off, name, length) == 0)
            return number;
        at += sizeof type + bytes_behind(type.info);
    }
    return 0;
}

}  // namespace valenic
