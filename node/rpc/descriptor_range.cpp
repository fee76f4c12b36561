#include "node/rpc/descriptor_range.hpp"

#include "net/http/rpc_error.hpp"
#include "net/http/rpc_params.hpp"

namespace cairn::node {

using http::RpcError;
namespace code = http::rpc_code;

constexpr std::int64_t kMaxRange = 1'000'000;

DescriptorRange parse_descriptor_range(const UniValue& value) {
    DescriptorRange range;
    if (value.isNum()) {
        range.last = http::as_int<std::int64_t>(value);
    } else if (value.isArray() && value.size() == 2 && value[0].isNum() && value[1].isNum()) {
        range = {http::as_int<std::int64_t>(value[0]), http::as_int<std::int64_t>(value[1])};
        if (range.first > range.last) {
            throw RpcError{code::kInvalidParameter, "Range specified as [begin,end] must not have begin after end"};
        }
    } else {
        throw RpcError{code::kInvalidParameter, "Range must be specified as end or as [begin,end]"};
    }
    if (range.first < 0) throw RpcError{code::kInvalidParameter, "Range should be greater or equal than 0"};
    if (range.last >> 31 != 0) throw RpcError{code::kInvalidParameter, "End of range is too high"};
    if (range.last >= range.first + kMaxRange) throw RpcError{code::kInvalidParameter, "Range is too large"};
    return range;
}

}  // namespace cairn::node
