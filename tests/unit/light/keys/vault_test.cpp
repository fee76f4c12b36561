#include "light/keys/vault.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "consensus/base/codec.hpp"
#include "consensus/base/hex.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/crypto/random.hpp"

namespace cairn::light {
namespace {

constexpr ScryptCost kCheap{4, 1, 1};

Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }
std::string name(const Bytes& key) { return {key.begin(), key.end()}; }
std::string text(const Result<SecretBytes, VaultError>& secret) {
    return secret ? std::string(secret->begin(), secret->end()) : "error: " + std::string(to_string(secret.error()));
}
Vault encrypted(std::string_view passphrase) {
    auto vault = Vault::create(passphrase, kCheap);
    EXPECT_TRUE(vault.has_value());
    return std::move(*vault);
}
/// With two secrets, locked.
Vault filled(std::string_view passphrase) {
    Vault vault = encrypted(passphrase);
    EXPECT_TRUE(vault.unlock(passphrase, 100).has_value());
    EXPECT_TRUE(vault.put("seed", bytes("sixteen words of it"), 0).has_value());
    EXPECT_TRUE(vault.put("key/1", bytes("one key"), 0).has_value());
    vault.lock();
    return vault;
}
/// What a host keeps.
using Disk = std::map<std::string, Bytes>;
void store(Disk& disk, Vault& vault) {
    for (VaultRecord& record : vault.take_changes()) {
        if (record.value) disk.insert_or_assign(name(record.key), *record.value);
        else disk.erase(name(record.key));
    }
}
Result<Vault, VaultError> load(const Disk& disk) {
    std::vector<VaultRecord> records;
    for (const auto& [key, value] : disk) records.push_back({bytes(key), value});
    return Vault::load(std::move(records));
}
bool contains(const Bytes& all, std::string_view part) {
    return std::search(all.begin(), all.end(), part.begin(), part.end()) != all.end();
}

TEST(Vault, GivesSecretsToThePassphraseUntilItsTimeIsOver) {
    Vault vault = filled("right");
    EXPECT_TRUE(vault.is_encrypted());
    EXPECT_FALSE(vault.is_unlocked(0));
    EXPECT_EQ(vault.get("seed", 0).error(), VaultError::locked);
    EXPECT_EQ(vault.put("x", bytes("y"), 0).error(), VaultError::locked);

    EXPECT_EQ(vault.unlock("wrong", 100).error(), VaultError::wrong_passphrase);
    EXPECT_EQ(vault.unlock("", 100).error(), VaultError::wrong_passphrase);
    EXPECT_FALSE(vault.is_unlocked(0));
    ASSERT_TRUE(vault.unlock("right", 100).has_value());
    EXPECT_EQ(text(vault.get("seed", 99)), "sixteen words of it");
    EXPECT_EQ(vault.unlocked_until_us(), 100);
    EXPECT_EQ(vault.unlock("wrong", 500).error(), VaultError::wrong_passphrase);
    EXPECT_EQ(vault.unlocked_until_us(), 100);

    EXPECT_EQ(vault.get("seed", 100).error(), VaultError::locked);
    vault.on_time(99);
    EXPECT_TRUE(vault.unlocked_until_us().has_value());
    vault.on_time(100);
    EXPECT_FALSE(vault.unlocked_until_us().has_value());
    EXPECT_EQ(vault.get("seed", 0).error(), VaultError::locked);
    EXPECT_EQ(vault.names(), (std::vector<std::string>{"key/1", "seed"}));
    EXPECT_EQ(vault.get("nothing", 0).error(), VaultError::unknown_secret);
}

TEST(Vault, ComesBackFromItsRecordsLocked) {
    Vault vault = filled("right");
    Disk disk;
    store(disk, vault);
    for (const auto& [key, value] : disk)
        for (const char* secret : {"sixteen", "one key", "right"}) EXPECT_FALSE(contains(value, secret));
    EXPECT_TRUE(vault.take_changes().empty());

    auto again = load(disk);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->id(), vault.id());
    EXPECT_TRUE(again->take_changes().empty());
    EXPECT_EQ(again->get("key/1", 0).error(), VaultError::locked);
    ASSERT_TRUE(again->unlock("right", 100).has_value());
    EXPECT_EQ(text(again->get("key/1", 0)), "one key");

    ASSERT_TRUE(again->erase("key/1").has_value());
    EXPECT_EQ(again->erase("key/1").error(), VaultError::unknown_secret);
    store(disk, *again);
    EXPECT_EQ(load(disk)->names(), (std::vector<std::string>{"seed"}));
}

TEST(Vault, EncryptingLeavesNoPlainRecord) {
    Vault vault = Vault::create();
    EXPECT_TRUE(vault.is_unlocked(0));
    ASSERT_TRUE(vault.put("seed", bytes("sixteen words of it"), 0).has_value());
    ASSERT_TRUE(vault.put("key/1", bytes("one key"), 0).has_value());
    Disk disk;
    store(disk, vault);
    EXPECT_EQ(text(load(disk)->get("seed", 0)), "sixteen words of it");
    EXPECT_EQ(vault.unlock("any", 1).error(), VaultError::not_encrypted);
    EXPECT_EQ(vault.change_passphrase("any", "other", kCheap).error(), VaultError::not_encrypted);
    EXPECT_EQ(vault.encrypt("", kCheap).error(), VaultError::empty_passphrase);

    ASSERT_TRUE(vault.encrypt("right", kCheap).has_value());
    EXPECT_EQ(vault.encrypt("right", kCheap).error(), VaultError::already_encrypted);
    EXPECT_FALSE(vault.is_unlocked(0));
    store(disk, vault);
    EXPECT_EQ(disk.size(), 3u);
    for (const auto& [key, value] : disk)
        for (const char* secret : {"sixteen", "one key"}) EXPECT_FALSE(contains(value, secret));
    auto again = load(disk);
    ASSERT_TRUE(again->unlock("right", 100).has_value());
    EXPECT_EQ(text(again->get("seed", 0)), "sixteen words of it");
    EXPECT_EQ(text(again->get("key/1", 0)), "one key");
}

TEST(Vault, AfterAChangeTheOldPassphraseOpensNothing) {
    Vault vault = filled("old");
    Disk disk;
    store(disk, vault);
    const Disk before = disk;
    EXPECT_EQ(vault.change_passphrase("wrong", "new", kCheap).error(), VaultError::wrong_passphrase);
    EXPECT_EQ(vault.change_passphrase("old", "", kCheap).error(), VaultError::empty_passphrase);
    EXPECT_TRUE(vault.take_changes().empty());
    ASSERT_TRUE(vault.change_passphrase("old", "new", kCheap).has_value());
    EXPECT_FALSE(vault.is_unlocked(0));
    store(disk, vault);

    auto again = load(disk);
    EXPECT_EQ(again->unlock("old", 100).error(), VaultError::wrong_passphrase);
    EXPECT_EQ(again->check("old").error(), VaultError::wrong_passphrase);
    EXPECT_TRUE(again->check("new").has_value());
    ASSERT_TRUE(again->unlock("new", 100).has_value());
    EXPECT_EQ(text(again->get("seed", 0)), "sixteen words of it");

    // Whoever kept the old header and knows the old passphrase does not open what is stored now.
    Disk mixed = disk;
    mixed["H"] = before.at("H");
    auto stolen = load(mixed);
    ASSERT_TRUE(stolen->unlock("old", 100).has_value());
    EXPECT_EQ(stolen->get("seed", 0).error(), VaultError::damaged);
}

TEST(Vault, StaysUnlockedOverAChangeOfThePassphrase) {
    Vault vault = filled("old");
    ASSERT_TRUE(vault.unlock("old", 100).has_value());
    ASSERT_TRUE(vault.change_passphrase("old", "new", kCheap).has_value());
    EXPECT_EQ(text(vault.get("seed", 99)), "sixteen words of it");
    EXPECT_EQ(vault.get("seed", 100).error(), VaultError::locked);
}

TEST(Vault, TakesNoRecordOfAnotherNameOrWallet) {
    Vault one = filled("same"), two = filled("same");
    Disk disk, other;
    store(disk, one);
    store(other, two);
    Disk swapped = disk, foreign = disk;
    swapped["Sseed"] = disk.at("Skey/1");
    foreign["Sseed"] = other.at("Sseed");
    for (const auto& wrong : {swapped, foreign}) {
        auto vault = load(wrong);
        ASSERT_TRUE(vault.has_value());
        ASSERT_TRUE(vault->unlock("same", 100).has_value());
        EXPECT_EQ(vault->get("seed", 0).error(), VaultError::damaged);
        EXPECT_EQ(text(vault->get("key/1", 0)), "one key");
        EXPECT_EQ(vault->change_passphrase("same", "new", kCheap).error(), VaultError::damaged);
        EXPECT_EQ(text(vault->get("key/1", 0)), "one key");
    }
}

// Every byte of every record, changed or cut off, is noticed: at loading, unlocking or reading, and never gives another secret.
TEST(Vault, NoticesEveryChangedByte) {
    for (const bool with_passphrase : {true, false}) {
        Vault vault = with_passphrase ? filled("right") : Vault::create();
        if (!with_passphrase) {
            ASSERT_TRUE(vault.put("seed", bytes("sixteen words of it"), 0).has_value());
            ASSERT_TRUE(vault.put("key/1", bytes("one key"), 0).has_value());
        }
        Disk disk;
        store(disk, vault);
        std::size_t tried = 0;
        const auto expect_noticed = [&](const Disk& wrong) {
            ++tried;
            auto read = load(wrong);
            if (!read) return;
            if (with_passphrase && !read->unlock("right", 100)) return;
            EXPECT_FALSE(read->get("seed", 0).has_value() && read->get("key/1", 0).has_value());
        };
        for (const auto& [key, value] : disk) {
            for (std::size_t at = 0; at < value.size(); ++at) {
                for (const std::uint8_t change : {0x01, 0x80, 0xff}) {
                    Disk wrong = disk;
                    wrong[key][at] ^= change;
                    expect_noticed(wrong);
                }
                Disk cut = disk;
                cut[key].resize(at);
                expect_noticed(cut);
            }
            Disk longer = disk;
            longer[key].push_back(0);
            expect_noticed(longer);
        }
        EXPECT_GT(tried, 250u);
    }
}

/// A header whose checksum fits.
Bytes header(std::uint8_t format, std::uint8_t is_encrypted, ScryptCost cost) {
    Bytes value;
    Writer out(value);
    out.u8(format);
    out.u8(is_encrypted);
    out.bytes(Bytes(32, 7));
    if (is_encrypted) {
        for (const std::uint32_t number : {cost.log_n, cost.r, cost.p}) out.u32(number);
        out.bytes(Bytes(32 + 12 + 32 + 16, 9));
    }
    out.bytes(ByteSpan(hash256(value).span()).first(4));
    return value;
}

TEST(Vault, RefusesCostsAndFormatsThatItDoesNotTake) {
    const auto error = [](Bytes value) {
        auto vault = load(Disk{{"H", value}});
        return vault ? vault->unlock("any", 1).error() : vault.error();
    };
    EXPECT_EQ(error(header(1, 1, kCheap)), VaultError::wrong_passphrase);
    EXPECT_EQ(error(header(1, 1, {30, 8, 1})), VaultError::bad_parameters);
    EXPECT_EQ(error(header(1, 1, {0, 8, 1})), VaultError::bad_parameters);
    EXPECT_EQ(error(header(1, 1, {16, 8, 0xffffffff})), VaultError::bad_parameters);
    EXPECT_EQ(error(header(1, 1, {63, 0x80000000, 2})), VaultError::bad_parameters);
    EXPECT_EQ(error(header(2, 1, kCheap)), VaultError::newer_format);
    EXPECT_EQ(error(header(0, 1, kCheap)), VaultError::damaged);
    EXPECT_EQ(error(header(1, 2, kCheap)), VaultError::damaged);
    EXPECT_EQ(Vault::load({}).error(), VaultError::damaged);
    EXPECT_EQ(Vault::create("x", {30, 8, 1}).error(), VaultError::bad_parameters);
    EXPECT_EQ(Vault::create("").error(), VaultError::empty_passphrase);
}

TEST(Vault, BoundsNamesAndSecrets) {
    Vault vault = Vault::create();
    EXPECT_EQ(vault.put("", bytes("x"), 0).error(), VaultError::bad_name);
    EXPECT_EQ(vault.put(std::string(Vault::kMaxNameSize + 1, 'n'), bytes("x"), 0).error(), VaultError::bad_name);
    EXPECT_EQ(vault.put("n", Bytes(Vault::kMaxSecretSize + 1), 0).error(), VaultError::too_large);
    EXPECT_TRUE(vault.put(std::string(Vault::kMaxNameSize, 'n'), Bytes(Vault::kMaxSecretSize), 0).has_value());
    EXPECT_TRUE(vault.put("empty", {}, 0).has_value());
    EXPECT_EQ(text(vault.get("empty", 0)), "");
}

/// How often the bytes stand in the memory of this process that can be written. `inverted`: so that the pattern is none of them.
std::size_t copies_in_memory(const Bytes& inverted) {
    std::ifstream maps("/proc/self/maps");
    std::FILE* memory = std::fopen("/proc/self/mem", "rb");
    if (!memory) return 0;
    std::setvbuf(memory, nullptr, _IONBF, 0);
    std::size_t found = 0;
    constexpr std::size_t kPiece = 1 << 16;
    static std::uint8_t buffer[kPiece];
    for (std::string line; std::getline(maps, line);) {
        unsigned long begin = 0, end = 0;
        char rights[5] = {};
        if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, rights) != 3 || rights[0] != 'r' || rights[1] != 'w') continue;
        if (end - begin > (1ul << 30)) continue;
        for (unsigned long at = begin; at < end; at += kPiece - inverted.size()) {
            const std::size_t want = std::min<unsigned long>(kPiece, end - at);
            const bool own = at < reinterpret_cast<unsigned long>(buffer) + kPiece && at + want > reinterpret_cast<unsigned long>(buffer);
            if (own || std::fseek(memory, static_cast<long>(at), SEEK_SET) != 0) continue;
            const std::size_t got = std::fread(buffer, 1, want, memory);
            for (std::size_t i = 0; i + inverted.size() <= got; ++i) {
                std::size_t same = 0;
                while (same < inverted.size() && buffer[i + same] == static_cast<std::uint8_t>(~inverted[same])) ++same;
                if (same == inverted.size()) ++found;
            }
        }
        std::fill(std::begin(buffer), std::end(buffer), 0);
    }
    std::fclose(memory);
    return found;
}

TEST(Vault, LeavesNoCopyOfASecretInMemory) {
    Bytes inverted(32);
    fill_random(inverted);
    SecretBytes secret(inverted.size());
    const auto fill = [&] { std::transform(inverted.begin(), inverted.end(), secret.begin(), [](std::uint8_t b) { return ~b; }); };
    fill();
    if (copies_in_memory(inverted) == 0) GTEST_SKIP() << "this system does not let a process read its own memory";

    Vault vault = Vault::create();
    ASSERT_TRUE(vault.put("seed", secret, 0).has_value());
    ASSERT_TRUE(vault.encrypt("right", kCheap).has_value());
    ASSERT_TRUE(vault.unlock("right", 100).has_value());
    ASSERT_TRUE(vault.put("again", secret, 0).has_value());
    {
        const auto read = vault.get("seed", 0);
        ASSERT_TRUE(read.has_value());
        EXPECT_EQ(*read, secret);
    }
    ASSERT_TRUE(vault.change_passphrase("right", "new", kCheap).has_value());
    EXPECT_GE(copies_in_memory(inverted), 1u);
    SecretBytes().swap(secret);
    EXPECT_EQ(copies_in_memory(inverted), 0u);
    EXPECT_TRUE(vault.get("seed", 0).has_value());
    EXPECT_EQ(copies_in_memory(inverted), 0u);
}

}  // namespace
}  // namespace cairn::light
