#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <list>

#include "consensus/base/hex.hpp"
#include "consensus/chain/header_tree.hpp"
#include "light/rpc/methods.hpp"
#include "tests/support/wallet_harness.hpp"

namespace cairn::test {

/// Wallets in memory behind a chain of blocks that are not mined: what the methods of cairn-light see, without a network.
class FakeDesk final : public light::WalletDesk {
public:
    struct Shelf {
        std::string name;
        std::unique_ptr<storage::MemoryKv> store = std::make_unique<storage::MemoryKv>();
        light::Wallet::Pointer wallet;
    };

    FakeDesk() { view_.tip = tree.genesis(); }

    std::vector<std::string> loaded() const override {
        std::vector<std::string> names;
        for (const Shelf& one : shelves) names.push_back(one.name);
        return names;
    }
    std::vector<std::string> stored() const override {
        auto names = loaded();
        for (const Shelf& one : unloaded) names.push_back(one.name);
        std::sort(names.begin(), names.end());
        return names;
    }
    bool loads_at_start(const std::string& name) const override { return at_start.contains(name); }
    void set_load_at_start(const std::string& name, bool value) override {
        if (value) at_start.insert(name);
        else at_start.erase(name);
    }
    light::DeskResult<void> create(const std::string& name, const light::WalletOptions& options) override {
        for (const std::string& there : stored()) {
            if (there == name) return fail(light::DeskError{light::DeskError::Kind::already_exists, "Database already exists."});
        }
        Shelf shelf;
        shelf.name = name;
        light::WalletOptions small = options;
        small.lookahead = 10;
        small.cost = {10, 8, 1};
        auto made = light::Wallet::create(*shelf.store, *params, host, name, small);
        if (!made) return fail(light::DeskError{light::DeskError::Kind::wallet, made.error().message});
        shelf.wallet = std::move(*made);
        shelf.wallet->fix_randomness(7);
        (void)shelf.wallet->start_at(place(view_.tip));
        shelves.push_back(std::move(shelf));
        return {};
    }
    light::DeskResult<void> load(const std::string& name) override {
        if (find(name)) return fail(light::DeskError{light::DeskError::Kind::already_loaded, "is already loaded."});
        const auto found = std::find_if(unloaded.begin(), unloaded.end(), [&](const Shelf& one) { return one.name == name; });
        if (found == unloaded.end()) return fail(light::DeskError{light::DeskError::Kind::not_found, "Path does not exist."});
        found->wallet = std::move(*light::Wallet::open(*found->store, *params, host));
        shelves.splice(shelves.end(), unloaded, found);
        return {};
    }
    light::DeskResult<void> unload(const std::string& name) override {
        const auto found = std::find_if(shelves.begin(), shelves.end(), [&](const Shelf& one) { return one.name == name; });
        if (found == shelves.end()) return fail(light::DeskError{light::DeskError::Kind::not_found, "Requested wallet does not exist or is not loaded"});
        found->wallet.reset();
        unloaded.splice(unloaded.end(), shelves, found);
        return {};
    }
    light::DeskResult<void> backup(const std::string& name, const std::filesystem::path& file, std::string_view passphrase) override {
        backups[file.string()] = {name, std::string(passphrase)};
        return {};
    }
    light::DeskResult<void> restore(const std::string& name, const std::filesystem::path& file, std::string_view passphrase) override {
        const auto found = backups.find(file.string());
        if (found == backups.end()) return fail(light::DeskError{light::DeskError::Kind::bad_file, "Backup file does not exist"});
        if (found->second.second != passphrase) return fail(light::DeskError{light::DeskError::Kind::wrong_passphrase, "wrong"});
        return create(name, {});
    }
    bool use(const std::string& name, const std::function<void(light::Wallet&)>& work) override {
        Shelf* shelf = find(name);
        if (!shelf) return false;
        work(*shelf->wallet);
        return true;
    }
    light::DeskResult<void> broadcast(const TransactionPtr& tx) override {
        sent.push_back(tx);
        for (Shelf& one : shelves) (void)one.wallet->see_transaction(tx, light::SeenBy::mempool);
        return {};
    }
    std::shared_ptr<const light::LightView> chain() const override { return std::make_shared<light::LightView>(view_); }
    const HeaderNode* find_header(const BlockHash& hash) const override { return tree.find(hash); }
    void rescan(const light::Birthday&) override { ++rescans_behind; }
    light::DeskResult<Rescan> rescan_and_wait(const std::string& name, const light::Birthday& since, std::optional<Height> last) override {
        Rescan result{rescan_end, since.height.value_or(0), last.value_or(view_.tip->height)};
        ++rescans;
        if (result.end != Rescan::End::done) return result;
        light::Wallet& wallet = *find(name)->wallet;
        for (const auto& [node, block] : blocks) {
            if (node->height >= result.first && node->height <= result.last && view_.tip->ancestor(node->height) == node) (void)wallet.rescan_block(place(node), *block);
        }
        return result;
    }
    bool abort_rescan(const std::string&) override { return std::exchange(rescanning, false); }
    bool is_rescanning(const std::string&) const override { return rescanning; }
    std::optional<Scanning> scanning(const std::string&) const override {
        return rescanning ? std::optional<Scanning>(Scanning{0.25, 3}) : std::nullopt;
    }

    // What tests do.

    static light::BlockPlace place(const HeaderNode* node) { return {node->height, node->hash, node->header.time}; }
    Shelf* find(const std::string& name) {
        const auto found = std::find_if(shelves.begin(), shelves.end(), [&](const Shelf& one) { return one.name == name; });
        return found == shelves.end() ? nullptr : &*found;
    }
    /// A block on the tip with these behind a coinbase that pays `reward`.
    const HeaderNode* mine(std::vector<TransactionPtr> txs = {}, const Bytes& reward = Bytes{0x51}) {
        MutableTransaction coinbase;
        Bytes unique{4, 0, 0, 0, 0};
        ++counter;
        for (int i = 0; i < 4; ++i) unique[static_cast<std::size_t>(i) + 1] = static_cast<std::uint8_t>(counter >> (8 * i));
        coinbase.inputs.push_back({OutPoint{}, unique, 0xffffffff, {}});
        coinbase.outputs.push_back({50 * kCoin, reward});
        txs.insert(txs.begin(), coinbase.finish());
        BlockHeader header;
        header.previous = view_.tip->hash;
        header.time = view_.tip->header.time + 600;
        header.nonce = counter;
        std::vector<const Transaction*> rows;
        for (const TransactionPtr& tx : txs) rows.push_back(&tx->tx());
        std::vector<Uint256> ids;
        for (const Transaction* row : rows) ids.push_back(row->txid);
        header.merkle_root = merkle_root(std::move(ids)).root;
        const BlockPtr block = Block::assemble(header, rows);
        const HeaderNode* node = tree.insert(block->header(), block->hash(), view_.tip);
        view_.tip = node;
        host.time = std::max<std::int64_t>(host.time, node->header.time);
        blocks.emplace_back(node, block);
        for (Shelf& one : shelves) {
            if (auto done = one.wallet->connect_block(place(node), block.get()); !done) throw std::runtime_error(done.error().message);
        }
        return node;
    }
    /// The chain ends so many blocks earlier.
    void undo(int count) {
        for (int i = 0; i < count; ++i) view_.tip = view_.tip->parent;
        for (Shelf& one : shelves) (void)one.wallet->disconnect_to(place(view_.tip));
    }
    const HeaderNode* tip() const { return view_.tip; }
    const BlockPtr& last_block() const { return blocks.back().second; }

    ChainParamsPtr params = make_params(Network::regtest);
    FakeWalletHost host;
    HeaderTree tree{params->genesis->header()};
    std::list<Shelf> shelves, unloaded;
    std::set<std::string> at_start;
    std::map<std::string, std::pair<std::string, std::string>> backups;
    std::vector<TransactionPtr> sent;
    std::vector<std::pair<const HeaderNode*, BlockPtr>> blocks;
    Rescan::End rescan_end = Rescan::End::done;
    bool rescanning = false;
    int rescans = 0, rescans_behind = 0;

private:
    light::LightView view_;
    std::uint32_t counter = 0;
};

/// The methods, asked without a server.
class LightRpc : public testing::Test {
protected:
    LightRpc() {
        light::register_light_methods(table_, context_);
        table_.finish_warmup();
    }

    /// The answer's JSON text, or "code: message" of the error. `params`: JSON text. `wallet`: of the endpoint, null for none.
    std::string ask(const std::string& method, const std::string& params = "[]", const char* wallet = "w") {
        http::RpcRequest request;
        request.method = method;
        request.uri = wallet ? std::string("/wallet/") + wallet : "/";
        EXPECT_TRUE(request.params.read(params)) << params;
        http::JsonWriter out;
        try {
            table_.call(std::move(request), out);
        } catch (const http::RpcError& error) {
            return std::to_string(error.code) + ": " + error.message;
        }
        EXPECT_TRUE(out.complete()) << method;
        return out.take();
    }
    /// The answer, which must not be an error.
    UniValue get(const std::string& method, const std::string& params = "[]", const char* wallet = "w") {
        UniValue value;
        const std::string text = ask(method, params, wallet);
        // A single value is no document.
        UniValue wrapped;
        EXPECT_TRUE(wrapped.read("[" + text + "]")) << method << ": " << text;
        return wrapped.isArray() && wrapped.size() == 1 ? wrapped[std::size_t{0}] : value;
    }
    void make(const std::string& name = "w", const std::string& rest = "") { get("createwallet", "[\"" + name + "\"" + rest + "]", nullptr); }
    light::Wallet& wallet(const std::string& name = "w") { return *desk_.find(name)->wallet; }
    std::string address(const std::string& type = "bech32", const std::string& label = "") {
        return get("getnewaddress", "[\"" + label + "\",\"" + type + "\"]").get_str();
    }
    Bytes script_of(const std::string& address) { return *light::recipient_script(address, *desk_.params); }
    /// A transaction out of nowhere that pays there.
    TransactionPtr payment(const std::string& to, Amount value) {
        MutableTransaction tx;
        Bytes id(32, 0xdd);
        id[0] = static_cast<std::uint8_t>(++counter_);
        id[1] = static_cast<std::uint8_t>(counter_ >> 8);
        tx.inputs.push_back({{Txid(Uint256(id)), 0}, {}, 0xfffffffd, {}});
        tx.outputs.push_back({value, script_of(to)});
        return tx.finish();
    }
    /// A confirmed coin; gives its transaction.
    std::string fund(Amount value, const std::string& type = "bech32", const std::string& label = "") {
        const TransactionPtr tx = payment(address(type, label), value);
        desk_.mine({tx});
        return tx->tx().txid.to_display_hex();
    }
    std::string foreign(std::uint8_t number = 1) { return *address_of(WalletHarness::foreign_script(number), desk_.params->addresses); }

    FakeDesk desk_;
    light::RpcContext context_{desk_.params.get(), &desk_, [this] { return desk_.host.time; }};
    http::RpcTable table_;
    int counter_ = 0;
};

}  // namespace cairn::test
