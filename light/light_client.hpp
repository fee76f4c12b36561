#pragma once

#include <memory>

#include "light/settings.hpp"

namespace cairn::light {

/// The light client as a whole: store, threads, network and RPC.
/// Thread: the main one.
class LightClient {
public:
    /// `request_stop` asks for stop(); thread: any.
    LightClient(LightSettings settings, std::function<void()> request_stop);
    ~LightClient();

    /// Errors: a sentence for people.
    Result<void, std::string> start();
    void stop();
    bool failed() const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace cairn::light
