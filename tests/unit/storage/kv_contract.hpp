#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "storage/kv.hpp"

namespace cairn::storage::test {

/// The promises of KvStore, the same tests for every implementation. `Fixture` gives `KvStore& store()`.
template <class Fixture>
class KvContract : public Fixture {
protected:
    using Fixture::store;

    static Bytes bytes(std::string_view text) { return to_bytes(as_bytes(text)); }
    void put(Family family, std::string_view key, std::string_view value) {
        WriteBatch batch;
        batch.put(family, as_bytes(key), as_bytes(value));
        ASSERT_TRUE(store().write(batch));
    }
    std::string get(Family family, std::string_view key, const KvSnapshot* at = nullptr) {
        const auto value = store().get(family, as_bytes(key), at);
        EXPECT_TRUE(value.has_value());
        return *value ? std::string(as_text(**value)) : "(none)";
    }
    std::string all(Family family, const KvSnapshot* at = nullptr) {
        std::string text;
        const auto it = store().iterate(family, at);
        for (it->seek({}); it->valid(); it->next()) {
            text += std::string(as_text(it->key())) + "=" + std::string(as_text(it->value())) + " ";
        }
        EXPECT_TRUE(it->status());
        return text;
    }
};

TYPED_TEST_SUITE_P(KvContract);

TYPED_TEST_P(KvContract, KeepsFamiliesApart) {
    this->put(Family::meta, "k", "1");
    this->put(Family::coins, "k", "2");
    EXPECT_EQ(this->get(Family::meta, "k"), "1");
    EXPECT_EQ(this->get(Family::coins, "k"), "2");
    EXPECT_EQ(this->get(Family::headers, "k"), "(none)");
}

TYPED_TEST_P(KvContract, AppliesABatchInOrder) {
    WriteBatch batch;
    batch.put(Family::coins, as_bytes("a"), as_bytes("1"));
    batch.erase(Family::coins, as_bytes("a"));
    batch.put(Family::coins, as_bytes("b"), as_bytes("1"));
    batch.put(Family::coins, as_bytes("b"), as_bytes("2"));
    batch.put(Family::coins, as_bytes("c"), as_bytes(""));
    const Bytes borrowed = this->bytes("long lived");
    batch.put_borrowed(Family::blocks, as_bytes("x"), borrowed);
    ASSERT_TRUE(this->store().write(batch));
    EXPECT_EQ(this->all(Family::coins), "b=2 c= ");
    EXPECT_EQ(this->get(Family::blocks, "x"), "long lived");
}

TYPED_TEST_P(KvContract, WalksInKeyOrderFromAnywhere) {
    for (const char* key : {"b", "d", "a", "c"}) this->put(Family::headers, key, key);
    const auto it = this->store().iterate(Family::headers);
    it->seek(as_bytes("bb"));
    ASSERT_TRUE(it->valid());
    EXPECT_EQ(as_text(it->key()), "c");
    EXPECT_EQ(this->all(Family::headers), "a=a b=b c=c d=d ");
}

TYPED_TEST_P(KvContract, AnswersManyKeysInTheirOrder) {
    this->put(Family::coins, "a", "1");
    this->put(Family::coins, "c", "3");
    std::vector<ByteSpan> keys{as_bytes("c"), as_bytes("b"), as_bytes("a"), as_bytes("c")};
    const auto values = this->store().multi_get(Family::coins, keys);
    ASSERT_TRUE(values.has_value());
    ASSERT_EQ(values->size(), 4u);
    EXPECT_EQ((*values)[0], this->bytes("3"));
    EXPECT_EQ((*values)[1], std::nullopt);
    EXPECT_EQ((*values)[2], this->bytes("1"));
    EXPECT_EQ((*values)[3], this->bytes("3"));
}

TYPED_TEST_P(KvContract, AnswersMoreKeysThanItAsksAtOnce) {
    WriteBatch batch;
    std::vector<std::string> names;
    for (int i = 0; i < 1000; ++i) names.push_back("key" + std::to_string(10'000 + i));
    for (int i = 0; i < 1000; i += 2) batch.put(Family::coins, as_bytes(names[i]), as_bytes(names[i]));
    ASSERT_TRUE(this->store().write(batch));
    std::vector<ByteSpan> keys;
    for (const auto& name : names) keys.push_back(as_bytes(name));
    const auto values = this->store().multi_get(Family::coins, keys);
    ASSERT_TRUE(values.has_value());
    for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ((*values)[i].has_value(), i % 2 == 0) << i;
}

TYPED_TEST_P(KvContract, ErasesARangeWithoutItsEnd) {
    for (const char* key : {"a", "b", "c", "d"}) this->put(Family::undo, key, key);
    WriteBatch batch;
    batch.erase_range(Family::undo, as_bytes("b"), as_bytes("d"));
    ASSERT_TRUE(this->store().write(batch));
    EXPECT_EQ(this->all(Family::undo), "a=a d=d ");
}

TYPED_TEST_P(KvContract, ASnapshotDoesNotSeeWhatComesLater) {
    this->put(Family::coins, "a", "1");
    this->put(Family::meta, "m", "1");
    {
        const auto before = this->store().snapshot();
        this->put(Family::coins, "a", "2");
        this->put(Family::meta, "m", "2");
        auto bulk = this->store().start_bulk(Family::coins);
        ASSERT_TRUE(bulk->put(as_bytes("b"), as_bytes("3")));
        ASSERT_TRUE(bulk->commit(WriteBatch()));
        EXPECT_EQ(this->all(Family::coins, before.get()), "a=1 ");
        EXPECT_EQ(this->get(Family::meta, "m", before.get()), "1");
    }
    EXPECT_EQ(this->all(Family::coins), "a=2 b=3 ");
}

TYPED_TEST_P(KvContract, ABulkReplacesErasesAndMovesTheBatchWithIt) {
    this->put(Family::coins, "a", "1");
    this->put(Family::coins, "b", "1");
    this->put(Family::meta, "best", "1");
    auto bulk = this->store().start_bulk(Family::coins);
    ASSERT_TRUE(bulk->put(as_bytes("a"), as_bytes("2")));
    ASSERT_TRUE(bulk->erase(as_bytes("b")));
    ASSERT_TRUE(bulk->put(as_bytes("c"), as_bytes("2")));
    WriteBatch batch;
    batch.put(Family::meta, as_bytes("best"), as_bytes("2"));
    batch.put(Family::undo, as_bytes("u"), as_bytes("z"));
    batch.put(Family::headers, as_bytes("y"), as_bytes("1"));
    batch.erase(Family::headers, as_bytes("x"));
    EXPECT_EQ(this->get(Family::coins, "a"), "1") << "nothing happens before the commit";
    ASSERT_TRUE(bulk->commit(batch));
    EXPECT_EQ(this->all(Family::coins), "a=2 c=2 ");
    EXPECT_EQ(this->get(Family::meta, "best"), "2");
    EXPECT_EQ(this->get(Family::undo, "u"), "z");
    EXPECT_EQ(this->all(Family::headers), "y=1 ");
    this->put(Family::coins, "a", "3");
    EXPECT_EQ(this->get(Family::coins, "a"), "3") << "later writes win over a bulk";
}

TYPED_TEST_P(KvContract, ADroppedBulkLeavesNothing) {
    this->put(Family::coins, "a", "1");
    {
        auto bulk = this->store().start_bulk(Family::coins);
        ASSERT_TRUE(bulk->put(as_bytes("a"), as_bytes("2")));
    }
    EXPECT_EQ(this->get(Family::coins, "a"), "1");
}

TYPED_TEST_P(KvContract, AnEmptyBulkCommitsItsBatch) {
    WriteBatch batch;
    batch.put(Family::meta, as_bytes("best"), as_bytes("2"));
    ASSERT_TRUE(this->store().start_bulk(Family::coins)->commit(batch));
    EXPECT_EQ(this->get(Family::meta, "best"), "2");
    ASSERT_TRUE(this->store().start_bulk(Family::coins)->commit(WriteBatch()));
}

TYPED_TEST_P(KvContract, WritesInBothModes) {
    this->put(Family::meta, "a", "1");
    ASSERT_TRUE(this->store().set_durability(Durability::write_ahead));
    this->put(Family::meta, "b", "1");
    ASSERT_TRUE(this->store().flush());
    ASSERT_TRUE(this->store().set_durability(Durability::flush_only));
    this->put(Family::meta, "c", "1");
    ASSERT_TRUE(this->store().flush());
    EXPECT_EQ(this->all(Family::meta), "a=1 b=1 c=1 ");
}

TYPED_TEST_P(KvContract, ReclaimsWithoutLosingAnything) {
    const std::string large(100'000, 'x');
    for (const char* key : {"a", "b", "c"}) this->put(Family::blocks, key, large);
    WriteBatch batch;
    batch.erase(Family::blocks, as_bytes("a"));
    batch.erase(Family::blocks, as_bytes("b"));
    ASSERT_TRUE(this->store().write(batch));
    ASSERT_TRUE(this->store().flush());
    ASSERT_TRUE(this->store().reclaim({Family::blocks}, as_bytes("a"), as_bytes("c")));
    EXPECT_EQ(this->get(Family::blocks, "b"), "(none)");
    EXPECT_EQ(this->get(Family::blocks, "c"), large);
    EXPECT_GE(this->store().approximate_size(Family::blocks), large.size());
    EXPECT_FALSE(this->store().describe().empty());
}

REGISTER_TYPED_TEST_SUITE_P(KvContract, KeepsFamiliesApart, AppliesABatchInOrder, WalksInKeyOrderFromAnywhere,
                            AnswersManyKeysInTheirOrder, AnswersMoreKeysThanItAsksAtOnce, ErasesARangeWithoutItsEnd,
                            ASnapshotDoesNotSeeWhatComesLater, ABulkReplacesErasesAndMovesTheBatchWithIt,
                            ADroppedBulkLeavesNothing, AnEmptyBulkCommitsItsBatch, WritesInBothModes,
                            ReclaimsWithoutLosingAnything);

}  // namespace cairn::storage::test
