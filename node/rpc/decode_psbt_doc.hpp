#pragma once

#include "node/rpc/doc.hpp"

namespace cairn::node {

/// What decodepsbt answers.
http::RpcResult decoded_psbt_doc();

}  // namespace cairn::node
