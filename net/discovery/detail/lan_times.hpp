#pragma once

#include <cstdint>

/// The times and bounds of multicast DNS, with the sections of RFC 6762 that they come from.
namespace cairn::net::lan_times {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::uint16_t kPort = 5353;                          // 3
constexpr int kProbes = 3;                                     // 8.1
constexpr std::int64_t kProbeInterval_us = 250'000;            // 8.1; also the longest wait before the first one
constexpr int kAnnouncements = 2;                              // 8.3
constexpr std::int64_t kAnnounceInterval_us = kSecond;         // 8.3
constexpr std::int64_t kFirstAskInterval_us = kSecond;         // 5.2
constexpr std::int64_t kMaxAskInterval_us = 3600 * kSecond;    // 5.2
constexpr std::int64_t kAnswerDelay_us = 20'000;               // 6: shared records after 20 to 120 ms
constexpr std::int64_t kAnswerSpread_us = 100'000;
constexpr std::int64_t kMoreKnownDelay_us = 400'000;           // 7.2: when known answers go on in another packet, 400 to 500 ms
constexpr std::int64_t kTellAgain_us = kSecond;                // 6: the same record to everybody at most once a second
constexpr std::int64_t kDefendAgain_us = 250'000;              // 6: but against a probe after 250 ms
constexpr std::uint32_t kHostTtl_s = 120;                      // 10: records that contain a host's name or address
constexpr std::uint32_t kLongTtl_s = 4500;                     // 10: all others
constexpr std::uint32_t kLegacyTtl_s = 10;                     // 6.7
constexpr int kMaxQuickRenames = 15;                           // 8.1
constexpr std::int64_t kRenameWait_us = 5 * kSecond;           // 8.1

// Bounds of our own.
constexpr std::uint32_t kMaxTtl_s = 2 * 3600;
constexpr std::int64_t kDetailsInterval_us = kSecond;          // between questions about somebody of whom only the name is known
constexpr int kMaxUnanswered = 5;                              // of those
constexpr std::size_t kMaxKnownAnswers = 32;                   // in one question
constexpr std::size_t kMaxWaitingPackets = 256;
constexpr std::size_t kMaxWaitingEvents = 256;
constexpr std::size_t kMaxWaitingAnswers = 64;

}  // namespace cairn::net::lan_times
