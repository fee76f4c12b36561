#include <gtest/gtest.h>

#include <set>

#include "consensus/base/hex.hpp"
#include "node/rpc/methods.hpp"
#include "tests/support/fake_mempool_port.hpp"
#include "tests/support/mempool_builder.hpp"
#include "tests/support/rpc_desk.hpp"

namespace cairn::node {
namespace {

using test::MempoolBuilder;

/// A mempool with a family of three and a single one: grandparent <- parent <- child, and `single`.
class MempoolRpc : public ::testing::Test, protected test::RpcDesk {
protected:
    MempoolRpc() {
        context_.mempool = &port_;
        add_mempool_methods(table_, context_);
        open();
        grandparent_ = make_.tx({make_.coin()}, 3);
        parent_ = make_.tx({make_.out(grandparent_)}, 2);
        child_ = make_.tx({make_.out(parent_), make_.out(grandparent_, 1)});
        single_ = make_.tx({make_.coin()}, 2);
        make_.add(port_.pool, grandparent_, 1000, 111);
        make_.add(port_.pool, parent_, 2000, 222);
        make_.add(port_.pool, child_, 6000, 333);
        make_.add(port_.pool, single_, 100'000, 444);
    }

    static std::string id(const TransactionPtr& tx) { return tx->tx().txid.to_display_hex(); }
    static std::string list(const std::string& text) { return "[\"" + text + "\"]"; }
    static std::string outpoint(const OutPoint& out) {
        return R"({"txid":")" + out.txid.to_display_hex() + R"(","vout":)" + std::to_string(out.index) + "}";
    }

    MempoolBuilder make_;
    test::FakeMempoolPort port_;
    TransactionPtr grandparent_, parent_, child_, single_;
};

TEST_F(MempoolRpc, SaysThatThereIsNoMempool) {
    context_.mempool = nullptr;
    for (const char* method : {"getmempoolinfo", "getrawmempool", "getmempoolfeeratediagram", "getprioritisedtransactions"}) {
        EXPECT_EQ(ask(method), "-33: Mempool disabled or instance not found");
    }
}

TEST_F(MempoolRpc, TellsAboutTheMempool) {
    const std::int64_t bytes =
        grandparent_->tx().vsize() + parent_->tx().vsize() + child_->tx().vsize() + single_->tx().vsize();
    EXPECT_EQ(ask("getmempoolinfo"),
              R"({"loaded":true,"size":4,"bytes":)" + std::to_string(bytes) + R"(,"usage":)" +
                  std::to_string(port_.pool.memory_usage()) +
                  R"(,"total_fee":0.00109000,"maxmempool":300000000,"mempoolminfee":0.00000100,"minrelaytxfee":0.00000100,)"
                  R"("incrementalrelayfee":0.00000100,"unbroadcastcount":0,"permitbaremultisig":true,)"
                  R"("maxdatacarriersize":100000,"limitclustercount":64,"limitclustersize":101000,"optimal":true})");
}

TEST_F(MempoolRpc, ListsIdsInMiningOrder) {
    EXPECT_EQ(ask("getrawmempool"), "[\"" + id(single_) + "\",\"" + id(grandparent_) + "\",\"" + id(parent_) + "\",\"" + id(child_) + "\"]");
    EXPECT_EQ(parsed("getrawmempool", "[false,true]")["mempool_sequence"].get_int(), 5);
    EXPECT_EQ(parsed("getrawmempool", "[false,true]")["txids"].size(), 4u);
    EXPECT_EQ(ask("getrawmempool", "[true,true]"), "-8: Verbose results cannot contain mempool sequence values.");
}

TEST_F(MempoolRpc, ShowsAnEntryWithItsRelatives) {
    port_.pool.prioritise(parent_->tx().txid, 500);
    port_.pool.add_unbroadcast(parent_->tx().txid);
    const std::int64_t g = grandparent_->tx().vsize(), p = parent_->tx().vsize(), c = child_->tx().vsize();
    const std::int64_t chunk = grandparent_->tx().weight() + parent_->tx().weight() + child_->tx().weight();
    EXPECT_EQ(ask("getmempoolentry", list(id(parent_))),
              R"({"vsize_adjusted":)" + std::to_string(p) + R"(,"vsize":)" + std::to_string(p) + R"(,"vsize_bip141":)" +
                  std::to_string(p) + R"(,"weight":)" + std::to_string(parent_->tx().weight()) +
                  R"(,"time":222,"height":100,"descendantcount":2,"descendantsize":)" + std::to_string(p + c) +
                  R"(,"ancestorcount":2,"ancestorsize":)" + std::to_string(g + p) + R"(,"wtxid":")" +
                  parent_->tx().wtxid.to_display_hex() + R"(","chunkweight":)" + std::to_string(chunk) +
                  R"(,"fees":{"base":0.00002000,"modified":0.00002500,"ancestor":0.00003500,"descendant":0.00008500,"chunk":0.00009500},)"
                  R"("depends":[")" + id(grandparent_) + R"("],"spentby":[")" + id(child_) + R"("],"unbroadcast":true})");
    EXPECT_EQ(ask("getmempoolentry", list(std::string(64, '7'))), "-5: Transaction not in mempool");
    EXPECT_EQ(ask("getmempoolentry", list("7")), "-8: txid must be of length 64 (not 1, for '7')");
}

TEST_F(MempoolRpc, ShowsEntriesTheSameEverywhere) {
    const UniValue all = parsed("getrawmempool", "[true]");
    ASSERT_EQ(all.size(), 4u);
    for (const TransactionPtr& tx : {grandparent_, parent_, child_, single_}) {
        EXPECT_EQ(all[id(tx)].write(), ask("getmempoolentry", list(id(tx))));
    }
    EXPECT_EQ(all[id(child_)]["depends"].size(), 2u);
    EXPECT_EQ(all[id(child_)]["ancestorcount"].get_int(), 3);
    EXPECT_EQ(all[id(grandparent_)]["spentby"].size(), 2u);
    EXPECT_EQ(all[id(grandparent_)]["descendantcount"].get_int(), 3);
    const std::string verbose = "[\"" + id(child_) + "\",true]";
    EXPECT_EQ(parsed("getmempoolancestors", verbose)[id(parent_)].write(), all[id(parent_)].write());
}

TEST_F(MempoolRpc, ListsAncestorsAndDescendants) {
    const auto set = [](const UniValue& ids) {
        std::set<std::string> found;
        for (const UniValue& each : ids.getValues()) found.insert(each.get_str());
        return found;
    };
    EXPECT_EQ(set(parsed("getmempoolancestors", list(id(child_)))), (std::set<std::string>{id(parent_), id(grandparent_)}));
    EXPECT_EQ(set(parsed("getmempooldescendants", list(id(grandparent_)))), (std::set<std::string>{id(parent_), id(child_)}));
    EXPECT_EQ(ask("getmempoolancestors", list(id(single_))), "[]");
    EXPECT_EQ(ask("getmempooldescendants", "[\"" + id(child_) + "\",true]"), "{}");
    EXPECT_EQ(ask("getmempoolancestors", list(std::string(64, '7'))), "-5: Transaction not in mempool");
    EXPECT_EQ(ask("getmempooldescendants", list(std::string(64, '7'))), "-5: Transaction not in mempool");
}

TEST_F(MempoolRpc, ShowsAClusterChunkByChunk) {
    const std::string weight = std::to_string(single_->tx().weight());
    EXPECT_EQ(ask("getmempoolcluster", list(id(single_))),
              R"({"clusterweight":)" + weight + R"(,"txcount":1,"chunks":[{"chunkfee":0.00100000,"chunkweight":)" + weight +
                  R"(,"txs":[")" + id(single_) + R"("]}]})");
    const UniValue family = parsed("getmempoolcluster", list(id(parent_)));
    EXPECT_EQ(family["txcount"].get_int(), 3);
    EXPECT_EQ(family["chunks"].size(), 1u);
    EXPECT_EQ(family["chunks"][0]["txs"][0].get_str(), id(grandparent_));
    EXPECT_EQ(ask("getmempoolcluster", list(std::string(64, '7'))), "-5: Transaction not in mempool");
}

TEST_F(MempoolRpc, AddsUpTheDiagram) {
    const std::int64_t first = single_->tx().weight();
    const std::int64_t all = first + grandparent_->tx().weight() + parent_->tx().weight() + child_->tx().weight();
    EXPECT_EQ(ask("getmempoolfeeratediagram"),
              R"([{"weight":0,"fee":0.00000000},{"weight":)" + std::to_string(first) + R"(,"fee":0.00100000},{"weight":)" +
                  std::to_string(all) + R"(,"fee":0.00109000}])");
}

TEST_F(MempoolRpc, FindsSpendersOfOutputs) {
    const std::string spent = outpoint(make_.out(parent_)), unspent = outpoint(make_.out(parent_, 1));
    const std::string whole = spent.substr(0, spent.size() - 1) + R"(,"spendingtxid":")" + id(child_) + "\"";
    EXPECT_EQ(ask("gettxspendingprevout", "[[" + spent + "," + unspent + "]]"), "[" + whole + "}," + unspent + "]");
    EXPECT_EQ(ask("gettxspendingprevout", "[[" + spent + R"(],{"return_spending_tx":true}])"),
              "[" + whole + R"(,"spendingtx":")" + to_hex(child_->tx().raw) + "\"}]");
    EXPECT_EQ(ask("gettxspendingprevout", "[[" + spent + R"(],{"mempool_only":false}])"), "[" + whole + "}]");
    EXPECT_EQ(ask("gettxspendingprevout", "[[" + unspent + R"(],{"mempool_only":false}])"),
              "-1: Mempool lacks a relevant spend, and txospenderindex is unavailable.");
}

TEST_F(MempoolRpc, RefusesMalformedOutputs) {
    const std::string txid(64, '7');
    EXPECT_EQ(ask("gettxspendingprevout", "[[]]"), "-8: Invalid parameter, outputs are missing");
    EXPECT_EQ(ask("gettxspendingprevout", R"([[{"txid":")" + txid + R"(","vout":-1}]])"),
              "-8: Invalid parameter, vout cannot be negative");
    EXPECT_EQ(ask("gettxspendingprevout", R"([[{"txid":")" + txid + R"("}]])"), "-3: Missing vout");
    EXPECT_EQ(ask("gettxspendingprevout", R"([[{"txid":")" + txid + R"(","vout":0,"x":1}]])"), "-3: Unexpected key x");
    EXPECT_EQ(ask("gettxspendingprevout", R"([[{"txid":"00","vout":0}]])"), "-8: txid must be of length 64 (not 2, for '00')");
    EXPECT_EQ(ask("gettxspendingprevout", R"([[{"txid":")" + txid + R"(","vout":0}],{"x":1}])"), "-3: Unexpected key x");
}

TEST_F(MempoolRpc, PrioritisesAndListsDeltas) {
    EXPECT_EQ(ask("prioritisetransaction", "[\"" + id(single_) + "\",0,500]"), "true");
    const std::string absent(64, '7');
    EXPECT_EQ(ask("prioritisetransaction", "[\"" + absent + "\",null,-5]"), "true");
    const UniValue deltas = parsed("getprioritisedtransactions");
    EXPECT_EQ(deltas[id(single_)].write(), R"({"fee_delta":500,"in_mempool":true,"modified_fee":100500})");
    EXPECT_EQ(deltas[absent].write(), R"({"fee_delta":-5,"in_mempool":false})");
    EXPECT_EQ(ask("prioritisetransaction", "[\"" + absent + "\",1,5]"),
              "-8: Priority is no longer supported, dummy argument to prioritisetransaction must be 0.");
    EXPECT_EQ(ask("prioritisetransaction", "[\"" + absent + "\",0,1.5]"), "-1: JSON integer out of range");
    EXPECT_EQ(ask("prioritisetransaction", R"(["foo",0,0])"), "-8: txid must be of length 64 (not 3, for 'foo')");
}

TEST_F(MempoolRpc, RefusesToPrioritiseDust) {
    MutableTransaction made(single_->tx());
    made.inputs[0].prevout = make_.coin();
    made.outputs[0].value = 0;
    const TransactionPtr dust = made.finish();
    make_.add(port_.pool, dust, 0);
    EXPECT_EQ(ask("prioritisetransaction", "[\"" + id(dust) + "\",0,500]"),
              "-8: Priority is not supported for transactions with dust outputs.");
}

TEST_F(MempoolRpc, TellsAboutReplaceabilityToThoseWhoInsist) {
    context_.deprecated_rpc = {"bip125"};
    EXPECT_TRUE(parsed("getmempoolentry", list(id(child_)))["bip125-replaceable"].get_bool());
    MutableTransaction made(single_->tx());
    made.inputs[0].prevout = make_.coin();
    made.inputs[0].sequence = 0xfffffffe;
    const TransactionPtr fixed = made.finish();
    make_.add(port_.pool, fixed, 500);
    EXPECT_FALSE(parsed("getmempoolentry", list(id(fixed)))["bip125-replaceable"].get_bool());
}

}  // namespace
}  // namespace cairn::node
