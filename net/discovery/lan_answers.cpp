// What others ask of LanService, and how it is answered.
#include <algorithm>

#include "net/discovery/detail/lan_times.hpp"
#include "net/discovery/lan_service.hpp"

namespace cairn::net {

using namespace lan_times;

/// Which of our records a message asks for.
LanService::Answer LanService::wanted(const dns::Message& message) const {
    Answer answer;
    for (const dns::Question& question : message.questions) {
        const auto asks = [&](dns::Type type) { return question.type == type || question.type == dns::kAny; };
        if (question.name == service_) answer.pointer |= asks(dns::kPtr);
        if (question.name == kinds_) answer.kinds |= asks(dns::kPtr);
        if (question.name == own_) {
            answer.service |= asks(dns::kSrv);
            answer.text |= asks(dns::kTxt);
        }
        if (question.name == host_) answer.host |= asks(dns::kA) || asks(dns::kAaaa);
    }
    return answer;
}

/// The asker knows our pointer, and for at least half of its life yet.
bool LanService::knows_pointer(const dns::Message& message) const {
    return std::any_of(message.answers.begin(), message.answers.end(),
                       [this](const dns::Record& record) { return record.ttl_s >= kLongTtl_s / 2 && record.same_data(pointer_record()); });
}

void LanService::on_query(const LanInterface& interface, const Endpoint& from, const dns::Message& message, std::int64_t now_us) {
    if (stage_ == Stage::silent) return;
    if (stage_ == Stage::probing) {
        // Two that want one name: each takes another. RFC 6762 lets one of them keep it, but names are cheap here.
        if (conflicts(message.authorities)) rename(now_us);
        return;
    }
    const bool ipv6 = from.address.network() == NetworkId::ipv6;
    const bool known = knows_pointer(message);
    if (message.questions.empty()) {
        for (Answer& waiting : answers_)
            if (known && waiting.asker == from) waiting.pointer = false;
        return;
    }
    Answer answer = wanted(message);
    if (known) answer.pointer = false;
    if (!answer.any()) return;
    answer.interface = interface.index;
    answer.ipv6 = ipv6;
    if (from.port != kPort) return answer_legacy(from, message, answer, interface);
    answer.defends = !message.authorities.empty();
    answer.due_us = now_us;
    if (message.truncated) {
        answer.asker = from;
        answer.due_us += kMoreKnownDelay_us + static_cast<std::int64_t>(random_.below(kAnswerSpread_us));
    } else if (answer.pointer || answer.kinds) {
        answer.due_us += kAnswerDelay_us + static_cast<std::int64_t>(random_.below(kAnswerSpread_us));
    }
    const bool alone = std::all_of(message.questions.begin(), message.questions.end(), [](const dns::Question& q) { return q.unicast_wanted; });
    const auto told = last_told_us_.find({interface.index, ipv6});
    if (alone && told != last_told_us_.end() && now_us - told->second < kHostTtl_s * kSecond / 4) answer.to = from;
    queue(std::move(answer));
    send_answers(now_us);
}

/// Joins an answer that goes to the same place, or waits.
void LanService::queue(Answer answer) {
    for (Answer& waiting : answers_) {
        if (waiting.interface != answer.interface || waiting.ipv6 != answer.ipv6 || waiting.to != answer.to || waiting.asker || answer.asker) continue;
        waiting.pointer |= answer.pointer;
        waiting.service |= answer.service;
        waiting.text |= answer.text;
        waiting.host |= answer.host;
        waiting.kinds |= answer.kinds;
        waiting.defends |= answer.defends;
        waiting.due_us = std::min(waiting.due_us, answer.due_us);
        return;
    }
    if (answers_.size() < kMaxWaitingAnswers) answers_.push_back(std::move(answer));
}

dns::Message LanService::answer_message(const Answer& answer, const LanInterface& interface) const {
    dns::Message message;
    message.response = true;
    if (answer.pointer) message.answers.push_back(pointer_record());
    if (answer.kinds) message.answers.push_back(kinds_record());
    // What the asker will want next comes along.
    if (answer.service) message.answers.push_back(service_record());
    else if (answer.pointer) message.additional.push_back(service_record());
    if (answer.text) message.answers.push_back(text_record());
    else if (answer.pointer) message.additional.push_back(text_record());
    if (answer.host || answer.service || answer.pointer) {
        auto& section = answer.host ? message.answers : message.additional;
        for (dns::Record& record : host_records(interface)) section.push_back(std::move(record));
    }
    return message;
}

/// A plain DNS client asks: it wants its question back, and records as it knows them (RFC 6762, section 6.7).
void LanService::answer_legacy(const Endpoint& from, const dns::Message& message, const Answer& answer, const LanInterface& interface) {
    dns::Message reply = answer_message(answer, interface);
    reply.id = message.id;
    reply.questions = message.questions;
    for (auto* records : {&reply.answers, &reply.additional}) {
        for (dns::Record& record : *records) {
            record.ttl_s = std::min(record.ttl_s, kLegacyTtl_s);
            record.flush = false;
        }
    }
    for (dns::Question& question : reply.questions) question.unicast_wanted = false;
    send({interface.index, answer.ipv6}, from, reply);
}

void LanService::send_answers(std::int64_t now_us) {
    for (std::size_t i = 0; i < answers_.size();) {
        Answer& answer = answers_[i];
        const LanInterface* interface = find(answer.interface);
        if (answer.any() && interface && now_us < answer.due_us) {
            ++i;
            continue;
        }
        const Link link{answer.interface, answer.ipv6};
        if (answer.any() && interface && !answer.to) {
            const auto told = last_told_us_.find(link);
            const std::int64_t gap = answer.defends ? kDefendAgain_us : kTellAgain_us;
            if (told != last_told_us_.end() && now_us < told->second + gap) {
                answer.due_us = told->second + gap;
                ++i;
                continue;
            }
            last_told_us_[link] = now_us;
        }
        if (answer.any() && interface) send(link, answer.to, answer_message(answer, *interface));
        answers_.erase(answers_.begin() + static_cast<std::ptrdiff_t>(i));
    }
}

}  // namespace cairn::net
