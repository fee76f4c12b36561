#pragma once

#include <string>

namespace cairn::node {

/// One topic at one address, as -zmqpub<topic>=<address> asks for it.
struct ZmqNotifier {
    std::string type;            ///< pubhashblock, pubhashtx, pubrawblock, pubrawtx or pubsequence
    std::string address;         ///< tcp://host:port or ipc://path
    int high_water_mark = 1000;  ///< messages that may wait for one slow subscriber; what comes then is lost for it
};

}  // namespace cairn::node
