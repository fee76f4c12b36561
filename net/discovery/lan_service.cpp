#include "net/discovery/lan_service.hpp"

#include <algorithm>

#include "consensus/base/hex.hpp"
#include "net/discovery/detail/lan_times.hpp"

namespace cairn::net {

using namespace lan_times;

namespace {

const dns::Name kLocal{{"local"}};
const char* const kMagicKey = "magic=";
const char* const kGenesisKey = "genesis=";
constexpr std::size_t kGenesisHex = 16;  // of the genesis block's hash as people write it, from its end: its beginning is zeros

bool is_link_local(const NetAddress& address) {
    const ByteSpan bytes = address.bytes();
    return address.network() == NetworkId::ipv6 && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

}  // namespace

bool LanInterface::on_link(const NetAddress& address) const {
    if (is_link_local(address)) return true;
    const ByteSpan bytes = address.bytes();
    return std::any_of(places.begin(), places.end(), [&](const Place& place) {
        if (place.address.network() != address.network()) return false;
        const ByteSpan mine = place.address.bytes();
        for (std::size_t bit = 0; bit < std::min<std::size_t>(place.prefix_bits, mine.size() * 8); ++bit)
            if (((mine[bit / 8] ^ bytes[bit / 8]) >> (7 - bit % 8) & 1) != 0) return false;
        return true;
    });
}

LanService::LanService(Options options, Random random)
    : options_(std::move(options)), random_(std::move(random)), service_{{"_bitcoin", "_tcp", "local"}}, kinds_{{"_services", "_dns-sd", "_udp", "local"}} {
    choose_name();
}

/// Says nothing about the machine or its owner, and cannot be anybody else's.
void LanService::choose_name() {
    instance_ = to_hex(random_.uint256().span().first(10));
    own_ = service_.child(instance_);
    host_ = kLocal.child(instance_);
}

const LanInterface* LanService::find(unsigned index) const {
    const auto found = std::find_if(interfaces_.begin(), interfaces_.end(), [&](const LanInterface& i) { return i.index == index; });
    return found == interfaces_.end() ? nullptr : &*found;
}

std::vector<LanService::Link> LanService::links() const {
    std::vector<Link> all;
    for (const LanInterface& interface : interfaces_) {
        for (const NetworkId family : {NetworkId::ipv4, NetworkId::ipv6}) {
            const auto speaks = [&](const LanInterface::Place& place) { return place.address.network() == family; };
            if (std::any_of(interface.places.begin(), interface.places.end(), speaks)) all.emplace_back(interface.index, family == NetworkId::ipv6);
        }
    }
    return all;
}

void LanService::set_interfaces(std::vector<LanInterface> interfaces, std::int64_t now_us) {
    if (interfaces.size() > kMaxInterfaces) interfaces.resize(kMaxInterfaces);
    if (interfaces == interfaces_) return;
    interfaces_ = std::move(interfaces);
    std::erase_if(tokens_, [&](const auto& entry) { return !find(entry.first); });
    std::erase_if(last_told_us_, [&](const auto& entry) { return !find(entry.first.first); });
    for (const LanInterface& interface : interfaces_) log_.debug("lan: interface {} with {} addresses", interface.name, interface.places.size());
    begin(now_us);
}

/// Our names have to be proven ours on the interfaces that there are now, and everybody there is asked.
void LanService::begin(std::int64_t now_us) {
    const auto moment = static_cast<std::int64_t>(random_.below(kProbeInterval_us));
    stage_ = options_.port != 0 ? Stage::probing : Stage::silent;
    steps_left_ = kProbes;
    next_step_us_ = now_us + moment;
    ask_interval_us_ = kFirstAskInterval_us;
    next_ask_us_ = now_us + kAnswerDelay_us + static_cast<std::int64_t>(random_.below(kAnswerSpread_us));
}

/// Somebody else has our name. Who does that again and again only slows us down.
void LanService::rename(std::int64_t now_us) {
    log_.debug("lan: the name {} is taken", instance_);
    choose_name();
    answers_.clear();
    begin(now_us);
    if (++renamed_ > kMaxQuickRenames) next_step_us_ += kRenameWait_us;
}

void LanService::on_tick(std::int64_t now_us) {
    if (interfaces_.empty()) return;
    if (stage_ != Stage::silent && stage_ != Stage::announced && now_us >= next_step_us_) step(now_us);
    if (now_us >= next_ask_us_) ask(now_us);
    send_answers(now_us);
    expire(now_us);
}

void LanService::step(std::int64_t now_us) {
    if (stage_ == Stage::probing && steps_left_ > 0) {
        probe();
        --steps_left_;
        next_step_us_ = now_us + kProbeInterval_us;
        return;
    }
    if (stage_ == Stage::probing) {
        stage_ = Stage::announcing;
        steps_left_ = kAnnouncements;
        log_.debug("lan: announcing port {} as {}", options_.port, own_.to_string());
    }
    announce(false);
    for (const Link& link : links()) last_told_us_[link] = now_us;
    next_step_us_ = now_us + kAnnounceInterval_us;
    if (--steps_left_ == 0) {
        stage_ = Stage::announced;
        renamed_ = 0;
    }
}

void LanService::stop(std::int64_t now_us) {
    if (stage_ == Stage::announcing || stage_ == Stage::announced) announce(true);
    stage_ = Stage::silent;
    answers_.clear();
    while (!seen_.empty()) forget(seen_.back().instance);
    interfaces_.clear();
    tokens_.clear();
    last_told_us_.clear();
    next_ask_us_ = now_us;
}

// --- our records

dns::Record LanService::pointer_record() const {
    dns::Record record;
    record.name = service_;
    record.type = dns::kPtr;
    record.ttl_s = kLongTtl_s;
    record.target = own_;
    return record;
}

/// For who lists the kinds of services there are (RFC 6763, section 9).
dns::Record LanService::kinds_record() const {
    dns::Record record = pointer_record();
    record.name = kinds_;
    record.target = service_;
    return record;
}

dns::Record LanService::service_record() const {
    dns::Record record;
    record.name = own_;
    record.type = dns::kSrv;
    record.flush = true;
    record.ttl_s = kHostTtl_s;
    record.port = options_.port;
    record.target = host_;
    return record;
}

dns::Record LanService::text_record() const {
    const std::string genesis = options_.genesis.to_display_hex();
    dns::Record record;
    record.name = own_;
    record.type = dns::kTxt;
    record.flush = true;
    record.ttl_s = kLongTtl_s;
    record.texts = {"txtvers=1", kMagicKey + to_hex(options_.magic), kGenesisKey + genesis.substr(genesis.size() - kGenesisHex)};
    return record;
}

std::vector<dns::Record> LanService::host_records(const LanInterface& interface) const {
    std::vector<dns::Record> records;
    for (const LanInterface::Place& place : interface.places) {
        dns::Record record;
        record.name = host_;
        record.type = place.address.network() == NetworkId::ipv4 ? dns::kA : dns::kAaaa;
        record.flush = true;
        record.ttl_s = kHostTtl_s;
        record.address = place.address;
        records.push_back(std::move(record));
    }
    return records;
}

/// Somebody says something else about our names. What we sent ourselves comes back to us, perhaps over another interface.
bool LanService::conflicts(const std::vector<dns::Record>& records) const {
    return std::any_of(records.begin(), records.end(), [this](const dns::Record& record) {
        if (record.ttl_s == 0) return false;
        if (record.name == own_ && record.type == dns::kSrv) return !record.same_data(service_record());
        if (record.name == own_ && record.type == dns::kTxt) return !record.same_data(text_record());
        if (record.name != host_ || (record.type != dns::kA && record.type != dns::kAaaa)) return false;
        return std::none_of(interfaces_.begin(), interfaces_.end(), [&](const LanInterface& interface) {
            return std::any_of(interface.places.begin(), interface.places.end(), [&](const auto& place) { return place.address == record.address; });
        });
    });
}

// --- speaking

void LanService::send(const Link& link, const std::optional<Endpoint>& to, const dns::Message& message) {
    if (packets_.size() >= kMaxWaitingPackets) return;
    ++counts_.sent;
    packets_.push_back({link.first, link.second, to, dns::write(message)});
}

void LanService::probe() {
    for (const Link& link : links()) {
        dns::Message message;
        message.questions = {{own_, dns::kAny, false}, {host_, dns::kAny, false}};
        message.authorities = {service_record(), text_record()};
        for (dns::Record& record : host_records(*find(link.first))) message.authorities.push_back(std::move(record));
        send(link, std::nullopt, message);
    }
}

void LanService::announce(bool goodbye) {
    for (const Link& link : links()) {
        dns::Message message;
        message.response = true;
        message.answers = {pointer_record(), service_record(), text_record()};
        for (dns::Record& record : host_records(*find(link.first))) message.answers.push_back(std::move(record));
        if (goodbye)
            for (dns::Record& record : message.answers) record.ttl_s = 0;
        send(link, std::nullopt, message);
    }
}

/// Who is there? Those we know well need not answer.
void LanService::ask(std::int64_t now_us) {
    dns::Message message;
    message.questions = {{service_, dns::kPtr, false}};
    // What we ask comes back to us; we need no answer from ourselves either.
    if (stage_ == Stage::announcing || stage_ == Stage::announced) message.answers.push_back(pointer_record());
    for (const Seen& seen : seen_) {
        const std::int64_t left_s = (seen.pointer_until_us - now_us) / kSecond;
        if (left_s < kLongTtl_s / 2 || message.answers.size() >= kMaxKnownAnswers) continue;
        dns::Record known = pointer_record();
        known.target = name_of(seen);
        known.ttl_s = static_cast<std::uint32_t>(left_s);
        message.answers.push_back(std::move(known));
    }
    for (const Link& link : links()) send(link, std::nullopt, message);
    next_ask_us_ = now_us + ask_interval_us_;
    ask_interval_us_ = std::min(ask_interval_us_ * 2, kMaxAskInterval_us);
}

void LanService::ask_about(Seen& seen, std::int64_t now_us) {
    dns::Message message;
    message.questions = {{name_of(seen), dns::kSrv, false}, {name_of(seen), dns::kTxt, false}};
    for (const Link& link : links())
        if (link.first == seen.interface) send(link, std::nullopt, message);
    ++seen.unanswered;
    seen.ask_us = now_us + seen.ask_interval_us;
}

// --- time

void LanService::forget(const std::string& instance) {
    const auto found = std::find_if(seen_.begin(), seen_.end(), [&](const Seen& seen) { return seen.instance == instance; });
    if (found == seen_.end()) return;
    if (found->reported) {
        log_.debug("lan: {} is gone", found->reported->endpoint.to_string());
        events_.push_back({*found->reported, false});
    }
    seen_.erase(found);
}

void LanService::expire(std::int64_t now_us) {
    std::vector<std::string> gone;
    for (Seen& seen : seen_) {
        const bool over = seen.pointer_until_us <= now_us || (seen.port && seen.service_until_us <= now_us);
        if (over || (!seen.port && seen.unanswered >= kMaxUnanswered && seen.ask_us <= now_us)) gone.push_back(seen.instance);
        else if (seen.ask_us <= now_us) ask_about(seen, now_us);
    }
    for (const std::string& instance : gone) forget(instance);
}

// --- hearing

void LanService::on_packet(unsigned index, const Endpoint& from, ByteSpan packet, std::int64_t now_us) {
    const LanInterface* interface = find(index);
    if (!interface) return;
    TokenBucket& tokens = tokens_.try_emplace(index, kPacketsPerSecond, kPacketBurst, kPacketBurst).first->second;
    tokens.advance(now_us);
    if (!tokens.take()) {
        ++counts_.rate_limited;
        return;
    }
    ++counts_.received;
    if (!interface->on_link(from.address)) return;
    const auto message = dns::parse(packet);
    if (!message) {
        ++counts_.malformed;
        return;
    }
    if (!message->response) on_query(*interface, from, *message, now_us);
    else if (from.port == kPort) on_response(*interface, from, *message, now_us);
}

void LanService::on_response(const LanInterface& interface, const Endpoint& from, const dns::Message& message, std::int64_t now_us) {
    std::vector<dns::Record> records = message.answers;
    records.insert(records.end(), message.additional.begin(), message.additional.end());
    if (stage_ != Stage::silent && conflicts(records)) return rename(now_us);
    std::vector<std::string> told;
    for (const dns::Record& record : records) {
        const dns::Name* name = record.type == dns::kPtr && record.name == service_ ? &record.target
                                : record.type == dns::kSrv || record.type == dns::kTxt ? &record.name : nullptr;
        if (!name || name->parent() != service_ || *name == own_) continue;
        if (record.type == dns::kPtr && !on_pointer(interface, from, record, now_us)) continue;
        if (std::find(told.begin(), told.end(), name->labels.front()) == told.end()) told.push_back(name->labels.front());
    }
    for (const std::string& instance : told) {
        const auto found = std::find_if(seen_.begin(), seen_.end(), [&](const Seen& seen) { return dns::Name{{seen.instance}} == dns::Name{{instance}}; });
        if (found != seen_.end()) on_details(*found, interface, from, records, now_us);
    }
}

/// Null: it says goodbye, or there are enough.
LanService::Seen* LanService::on_pointer(const LanInterface& interface, const Endpoint& from, const dns::Record& record, std::int64_t now_us) {
    const std::string& instance = record.target.labels.front();
    const auto same = [&](const Seen& seen) { return dns::Name{{seen.instance}} == dns::Name{{instance}}; };
    auto found = std::find_if(seen_.begin(), seen_.end(), same);
    if (record.ttl_s == 0) {
        if (found != seen_.end()) forget(found->instance);
        return nullptr;
    }
    if (found == seen_.end()) {
        const auto of_host = std::count_if(seen_.begin(), seen_.end(), [&](const Seen& seen) { return seen.source == from.address; });
        if (seen_.size() >= kMaxInstances || static_cast<std::size_t>(of_host) >= kMaxInstancesPerHost) return nullptr;
        Seen seen;
        seen.instance = instance;
        seen.source = from.address;
        seen.interface = interface.index;
        seen.ask_us = now_us + kAnswerDelay_us + static_cast<std::int64_t>(random_.below(kAnswerSpread_us));
        seen.ask_interval_us = kDetailsInterval_us;
        seen_.push_back(std::move(seen));
        found = seen_.end() - 1;
    }
    found->pointer_until_us = now_us + std::min<std::int64_t>(record.ttl_s, kMaxTtl_s) * kSecond;
    return &*found;
}

void LanService::on_details(Seen& seen, const LanInterface& interface, const Endpoint& from, const std::vector<dns::Record>& records,
                            std::int64_t now_us) {
    const dns::Name name = name_of(seen);
    const dns::Record wanted_text = text_record();
    bool told = false;
    dns::Name host;
    for (const dns::Record& record : records) {
        if (record.name != name) continue;
        if (record.type == dns::kTxt) {
            const auto has = [&](const std::string& text) { return std::find(record.texts.begin(), record.texts.end(), text) != record.texts.end(); };
            seen.ours = has(wanted_text.texts[1]) && has(wanted_text.texts[2]);
        }
        if (record.type != dns::kSrv || record.port == 0) continue;
        const std::int64_t ttl_us = std::min<std::int64_t>(record.ttl_s, kMaxTtl_s) * kSecond;
        seen.port = record.port;
        seen.service_until_us = now_us + ttl_us;
        // Asked for again from four fifths of its life on, and a few times until its end.
        seen.ask_us = now_us + ttl_us * 4 / 5;
        seen.ask_interval_us = std::max(ttl_us / 20, kSecond);
        seen.unanswered = 0;
        host = record.target;
        told = true;
    }
    if (!told) return report(seen);
    std::vector<NetAddress> addresses;
    for (const dns::Record& record : records)
        if ((record.type == dns::kA || record.type == dns::kAaaa) && record.name == host && interface.on_link(record.address)) addresses.push_back(record.address);
    place(seen, interface, from, addresses, now_us);
    report(seen);
}

/// Where it can be reached: under the address that it speaks from. A packet of IPv6 comes from a link-local address, which is of use only with
/// the interface; so an address of IPv4 or a wider one of IPv6 that it names is taken instead, if it is one of the link. Of the ways to somebody
/// who speaks over several the first one stays as long as it is told again.
void LanService::place(Seen& seen, const LanInterface& interface, const Endpoint& from, const std::vector<NetAddress>& addresses, std::int64_t now_us) {
    const auto ours = [&](const LanInterface::Place& own) { return own.address == from.address; };
    // What we said under an earlier name of ours may still be on its way back to us.
    if (*seen.port == options_.port && std::any_of(interface.places.begin(), interface.places.end(), ours)) return;
    NetAddress best = from.address;
    if (is_link_local(best)) {
        const auto wide = std::find_if(addresses.begin(), addresses.end(), [](const NetAddress& a) { return !is_link_local(a); });
        if (wide != addresses.end()) best = *wide;
    }
    if (seen.found && seen.found->endpoint != Endpoint{best, *seen.port}) {
        const bool better = is_link_local(seen.found->endpoint.address) && !is_link_local(best);
        if (seen.found->endpoint.port == *seen.port && now_us < seen.found_until_us && !better) return;
    }
    seen.interface = interface.index;
    seen.found = LanPeer{seen.instance, {best, *seen.port}, interface.name};
    seen.found_until_us = seen.service_until_us;
}

void LanService::report(Seen& seen) {
    if (!seen.ours || !seen.port || !seen.found || seen.reported == seen.found) return;
    if (events_.size() >= kMaxWaitingEvents) return;
    log_.debug("lan: {} is {} on {}", seen.instance, seen.found->endpoint.to_string(), seen.found->interface);
    seen.reported = seen.found;
    events_.push_back({*seen.found, true});
}

}  // namespace cairn::net
