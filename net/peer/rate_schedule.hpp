#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "consensus/base/result.hpp"

namespace cairn::net {

/// A limit on bytes a second that depends on the time of day: what -uploadrate and -downloadrate say.
///
/// An entry is `<kB/s>[@[hh:mm-hh:mm][,day|day-day]…]`, kB being 1000 bytes and 0 no limit; days are mon tue wed thu fri sat sun. Without
/// times it holds all day, without days every day. A span that ends before it begins goes past midnight and belongs to the day on which
/// it began. Of the entries that hold at a moment the last one counts; when none does, there is no limit.
class RateSchedule {
public:
    /// Errors: what is wrong with which entry, for people.
    static Result<RateSchedule, std::string> parse(std::string_view option, const std::vector<std::string>& entries);

    bool empty() const { return entries_.empty(); }
    /// Bytes a second; 0: no limit. `local_s`: seconds since 1970 as the clock on the wall counts them.
    double rate_at(std::int64_t local_s) const;

private:
    struct Entry {
        double bytes_a_second = 0;
        int begin_minute = 0, end_minute = 24 * 60;
        std::array<bool, 7> days{true, true, true, true, true, true, true};  ///< from Monday
        bool holds(int day, int minute) const;
    };
    static Result<Entry, std::string> parse_entry(std::string_view text);

    std::vector<Entry> entries_;
};

}  // namespace cairn::net
