#include "light/wallet_shelf.hpp"

#include <algorithm>
#include <array>
#include <fstream>

#include "consensus/base/codec.hpp"
#include "consensus/crypto/hash.hpp"
#include "consensus/crypto/random.hpp"
#include "light/branches.hpp"
#include "light/keys/backup.hpp"
#include "net/io/log.hpp"
#include "storage/atomic_file.hpp"
#include "storage/rocks/rocks_kv.hpp"

namespace cairn::light {

namespace log = net::log;

namespace {

using storage::Family;

constexpr std::string_view kRescanNote = "rescan";
constexpr std::string_view kBackupMagic = "CAIRNWAL\x01";
constexpr const char* kRescanning = "Wallet is currently rescanning. Abort existing rescan or wait.";
constexpr Height kNothing = 0x7fffffff;  ///< of the note: all was looked at
constexpr std::size_t kMaxBackup = std::size_t{1} << 30;

BlockPlace place_of(const ScanPlace& place) { return {place.height, place.hash, place.time_s}; }

tl::unexpected<DeskError> refuse(DeskError::Kind kind, std::string message) { return tl::unexpected(DeskError{kind, std::move(message)}); }

Bytes height_bytes(Height height) {
    Bytes bytes;
    Writer(bytes).i32(height);
    return bytes;
}

/// From where on the wallet wants blocks to be looked at again.
std::optional<Height> rescan_note(const Wallet& wallet) {
    const auto note = wallet.note(kRescanNote);
    if (!note || !*note || (*note)->size() != 4) return std::nullopt;
    const Height from = Reader(**note).i32();
    return from == kNothing ? std::nullopt : std::optional<Height>(from);
}

bool proper_name(const std::string& name) {
    return !name.empty() && name.size() <= 128 && name.front() != '.' && name.find_first_of(std::string("/\\\0\n", 4)) == std::string::npos;
}

}  // namespace

WalletShelf::WalletShelf(const ChainParams& params, ScriptWatch& watch, Options options)
    // Larger than any revision of an earlier run.
    : params_(params), plain_(watch), options_(std::move(options)), revision_(static_cast<std::uint64_t>(options_.now()) * 1'000'000) {}

WalletShelf::~WalletShelf() {
    for (Shelved& one : wallets_) (void)one.wallet->save();
}

std::vector<std::string> WalletShelf::open() {
    std::vector<std::string> troubles;
    std::error_code error;
    std::filesystem::create_directories(options_.folder, error);
    if (error) return {"Cannot make the folder " + options_.folder.string() + ": " + error.message()};
    read_settings();
    for (const std::string& name : std::set<std::string>(load_at_start_)) {
        if (auto done = load(name); !done) troubles.push_back("Wallet \"" + name + "\": " + done.error().message);
    }
    return troubles;
}

void WalletShelf::attach(LightChain& role, net::NetPort& net) {
    net_ = &net;
    attach(role);
}

void WalletShelf::attach(LightChain& role) {
    role_ = &role;
    rescans_.allow();
    const auto view = role.view();
    bool moved = false;
    {
        const std::lock_guard lock(mutex_);
        moved = view && rejoin_all(view->tip);
    }
    if (moved) tell_role();
}

void WalletShelf::detach() {
    rescans_.stop();
    role_ = nullptr;
    net_ = nullptr;
}

void WalletShelf::read_settings() {
    std::ifstream file(options_.folder / "load_at_start");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("plain ")) plain_revision_ = std::strtoull(line.c_str() + 6, nullptr, 10);
        else if (line.starts_with("load ") && proper_name(line.substr(5))) load_at_start_.insert(line.substr(5));
    }
}

void WalletShelf::write_settings() const {
    std::string text = "plain " + std::to_string(plain_revision_) + "\n";
    for (const std::string& name : load_at_start_) text += "load " + name + "\n";
    const ByteSpan bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    if (auto done = storage::write_file_atomically(options_.folder / "load_at_start", bytes); !done) log::warning("{}", done.error().message);
}

// --- the wallets

WalletShelf::Shelved* WalletShelf::find(const std::string& name) {
    const auto found = std::find_if(wallets_.begin(), wallets_.end(), [&](const Shelved& one) { return one.name == name; });
    return found == wallets_.end() ? nullptr : &*found;
}

std::vector<std::string> WalletShelf::loaded() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const Shelved& one : wallets_) names.push_back(one.name);
    return names;
}

std::vector<std::string> WalletShelf::stored() const {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(options_.folder, error)) {
        if (entry.is_directory(error)) names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

bool WalletShelf::loads_at_start(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    return load_at_start_.contains(name);
}

void WalletShelf::set_load_at_start(const std::string& name, bool value) {
    const std::lock_guard lock(mutex_);
    if (value) load_at_start_.insert(name);
    else load_at_start_.erase(name);
    write_settings();
}

DeskResult<void> WalletShelf::check_new(const std::string& name) const {
    if (!proper_name(name)) return refuse(DeskError::Kind::bad_name, "\"" + name + "\" cannot be the name of a wallet: 1 to 128 characters, no slash, no dot in front");
    std::error_code error;
    if (std::filesystem::exists(path_of(name), error) && !is_shell(name)) {
        return refuse(DeskError::Kind::already_exists, "Wallet file verification failed. Failed to create database path '" + path_of(name).string() +
                                                           "'. Database already exists.");
    }
    return {};
}

/// Is this a store without a wallet? One whose making was cut off leaves that.
bool WalletShelf::is_shell(const std::string& name) const {
    std::error_code error;
    const bool loaded = std::any_of(wallets_.begin(), wallets_.end(), [&](const Shelved& one) { return one.name == name; });
    if (loaded || !std::filesystem::exists(path_of(name) / "CURRENT", error)) return false;
    const auto opened = open_store(name, false);
    if (!opened) return false;
    const auto row = opened->store->iterate(Family::meta);
    row->seek({});
    return !row->valid() && row->status();
}

DeskResult<WalletShelf::Shelved> WalletShelf::open_store(const std::string& name, bool create) const {
    storage::RocksOptions options;
    options.block_cache_bytes = 1u << 20;
    options.max_open_files = 64;
    options.create = create;
    auto store = storage::open_rocks(path_of(name), options);
    if (!store) return refuse(DeskError::Kind::wallet, store.error().message);
    if (auto done = (*store)->set_durability(storage::Durability::write_ahead); !done) return refuse(DeskError::Kind::wallet, done.error().message);
    return Shelved{name, std::move(*store), nullptr, 0};
}

DeskResult<void> WalletShelf::create(const std::string& name, const WalletOptions& options) {
    {
        const std::lock_guard lock(mutex_);
        if (auto done = check_new(name); !done) return done;
        auto shelved = open_store(name, true);
        if (!shelved) return tl::unexpected(shelved.error());
        auto wallet = Wallet::create(*shelved->store, params_, *this, name, options);
        if (!wallet) {
            shelved->store.reset();
            std::error_code ignored;
            std::filesystem::remove_all(path_of(name), ignored);
            return refuse(DeskError::Kind::wallet, wallet.error().message);
        }
        shelved->wallet = std::move(*wallet);
        // A new wallet has nothing below the tip.
        const auto view = chain();
        if (view && view->tip && view->scanned_height > 0) {
            if (const HeaderNode* node = view->tip->ancestor(view->scanned_height)) (void)shelved->wallet->start_at({node->height, node->hash, node->header.time});
        }
        shelve(std::move(*shelved));
    }
    tell_role();
    return {};
}

DeskResult<void> WalletShelf::load(const std::string& name) {
    {
        const std::lock_guard lock(mutex_);
        if (find(name)) return refuse(DeskError::Kind::already_loaded, "Wallet file verification failed. Refusing to load database. Data file '" + path_of(name).string() + "' is already loaded.");
        std::error_code error;
        if (!proper_name(name) || !std::filesystem::is_directory(path_of(name), error)) {
            return refuse(DeskError::Kind::not_found, "Wallet file verification failed. Failed to load database path '" + path_of(name).string() + "'. Path does not exist.");
        }
        auto shelved = open_store(name, false);
        if (!shelved) return tl::unexpected(shelved.error());
        auto wallet = Wallet::open(*shelved->store, params_, *this);
        if (!wallet) return refuse(DeskError::Kind::wallet, wallet.error().message);
        shelved->wallet = std::move(*wallet);
        // The folder says what it is called, and folders get moved.
        if (shelved->wallet->name() != name) (void)shelved->wallet->rename(name);
        shelve(std::move(*shelved));
    }
    tell_role();
    return {};
}

DeskResult<void> WalletShelf::unload(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const Shelved* shelved = find(name);
    if (!shelved) return refuse(DeskError::Kind::not_found, "Requested wallet does not exist or is not loaded");
    if (is_rescanning(name)) return refuse(DeskError::Kind::wallet, kRescanning);
    if (auto done = shelved->wallet->save(); !done) return refuse(DeskError::Kind::wallet, done.error().message);
    wallets_.erase(wallets_.begin() + (shelved - wallets_.data()));
    return {};
}

DeskResult<void> WalletShelf::backup(const std::string& name, const std::filesystem::path& destination, std::string_view passphrase) {
    const std::lock_guard lock(mutex_);
    const Shelved* shelved = find(name);
    if (!shelved) return refuse(DeskError::Kind::not_found, "Requested wallet does not exist or is not loaded");
    if (auto done = shelved->wallet->save(); !done) return refuse(DeskError::Kind::wallet, done.error().message);
    std::error_code error;
    const auto file = std::filesystem::is_directory(destination, error) ? destination / (name + ".cairn") : destination;
    Bytes bytes(kBackupMagic.begin(), kBackupMagic.end());
    Writer writer(bytes);
    const auto rows = shelved->store->iterate(Family::meta, nullptr);
    for (rows->seek({}); rows->valid(); rows->next()) {
        writer.var_bytes(rows->key());
        writer.var_bytes(rows->value());
    }
    if (auto status = rows->status(); !status) return refuse(DeskError::Kind::wallet, status.error().message);
    writer.uint256(hash256(bytes));
    if (!passphrase.empty()) {
        auto sealed = make_backup(bytes, passphrase);
        if (!sealed) return refuse(DeskError::Kind::wallet, "Error: Wallet backup failed! " + std::string(to_string(sealed.error())));
        bytes = std::move(*sealed);
    }
    if (auto done = storage::write_file_atomically(file, bytes); !done) return refuse(DeskError::Kind::wallet, "Error: Wallet backup failed! " + done.error().message);
    return {};
}

/// What backup() put into a file, without the seal of a passphrase.
DeskResult<SecretBytes> WalletShelf::read_backup(const std::filesystem::path& file, std::string_view passphrase) const {
    constexpr std::string_view kSealedMagic = "CAIRNBAK";
    const auto begins = [](ByteSpan bytes, std::string_view magic) { return bytes.size() > magic.size() && as_text(bytes.first(magic.size())) == magic; };
    const auto bytes = storage::read_whole_file(file, kMaxBackup);
    if (!bytes) return refuse(DeskError::Kind::bad_file, "Backup file does not exist or cannot be read: " + bytes.error().message);
    SecretBytes contents(bytes->begin(), bytes->end());
    if (begins(*bytes, kSealedMagic)) {
        if (passphrase.empty()) return refuse(DeskError::Kind::wrong_passphrase, "The backup is encrypted: its passphrase is needed");
        auto opened = open_backup(*bytes, passphrase);
        if (!opened) {
            const bool wrong = opened.error() == BackupError::wrong_passphrase;
            return refuse(wrong ? DeskError::Kind::wrong_passphrase : DeskError::Kind::bad_file, std::string(to_string(opened.error())));
        }
        contents = std::move(*opened);
    }
    const ByteSpan all(contents);
    if (all.size() < kBackupMagic.size() + 32 || !begins(all, kBackupMagic)) {
        return refuse(DeskError::Kind::bad_file, "This is no backup of a wallet of cairn-light: " + file.string());
    }
    if (Uint256(all.last(32)) != hash256(all.first(all.size() - 32))) return refuse(DeskError::Kind::bad_file, "The backup is damaged: " + file.string());
    return contents;
}

DeskResult<void> WalletShelf::restore(const std::string& name, const std::filesystem::path& file, std::string_view passphrase) {
    {
        const std::lock_guard lock(mutex_);
        std::error_code error;
        if (!std::filesystem::exists(file, error)) return refuse(DeskError::Kind::bad_file, "Backup file does not exist");
        if (auto done = check_new(name); !done) return done;
        const auto contents = read_backup(file, passphrase);
        if (!contents) return tl::unexpected(contents.error());
        const ByteSpan body = ByteSpan(*contents).first(contents->size() - 32);
        auto shelved = open_store(name, true);
        if (!shelved) return tl::unexpected(shelved.error());
        storage::WriteBatch batch;
        Reader reader(body.subspan(kBackupMagic.size()));
        while (reader.ok() && reader.remaining() > 0) {
            const ByteSpan key = reader.var_bytes(kMaxBackup), value = reader.var_bytes(kMaxBackup);
            if (reader.ok()) batch.put(Family::meta, key, value);
        }
        const auto written = shelved->store->write(batch);
        auto wallet = written ? Wallet::open(*shelved->store, params_, *this) : Outcome<Wallet::Pointer>(tl::unexpected(WalletError{WalletErrorKind::storage, written.error().message}));
        if (!wallet) {
            shelved->store.reset();
            std::error_code ignored;
            std::filesystem::remove_all(path_of(name), ignored);
            return refuse(DeskError::Kind::wallet, wallet.error().message);
        }
        shelved->wallet = std::move(*wallet);
        (void)shelved->wallet->rename(name);
        shelve(std::move(*shelved));
    }
    tell_role();
    return {};
}

void WalletShelf::shelve(Shelved shelved) {
    const Wallet& wallet = *shelved.wallet;
    SpendPolicy policy = wallet.policy();
    policy.fallback_fee = options_.fallback_fee;
    shelved.wallet->set_policy(policy);
    if (const auto view = chain(); view && view->tip) {
        // The chain may have changed while it was away.
        const auto done = rejoin(*shelved.wallet, *view->tip, [this](const BlockHash& hash) { return find_header(hash); });
        if (!done) log::error("Wallet \"{}\": {}", shelved.name, done.error().message);
    }
    Birthday since{{}, wallet.birth()};
    if (wallet.tip().height >= 0) since = {wallet.tip().height + 1, {}};
    if (const auto note = rescan_note(wallet)) since = {std::min(*note, since.height.value_or(*note)), {}};
    shelved.seen_scripts = wallet.watched_scripts().size();
    // The next block may come before the scan goes back: what is still missing then has to stand somewhere.
    if (const auto view = chain(); view && view->scanned_height > 0 && height_of(since) <= view->scanned_height) {
        since = {height_of(since), {}};
        note_rescan(shelved, *since.height);
    }
    shelved.search = add_search(since);
    wallets_.push_back(std::move(shelved));
}

std::uint64_t WalletShelf::add_search(const Birthday& since) {
    additions_.push_back({++revision_, since});
    scan_began_ = now();
    return revision_;
}

/// The first block that can matter, as far as headers are known.
Height WalletShelf::height_of(const Birthday& since) const {
    if (since.height) return std::max<Height>(*since.height, 1);
    const auto view = chain();
    if (!view || !view->tip || !since.time_s) return 1;
    // The last block before the time, less two days of slack: clocks of miners differ.
    const HeaderNode* node = view->tip;
    while (node->parent && node->time_max >= *since.time_s - 2 * 86'400) node = node->parent;
    return node->height + 1;
}

bool WalletShelf::use(const std::string& name, const std::function<void(Wallet&)>& work) {
    bool more = false;
    {
        const std::lock_guard lock(mutex_);
        Shelved* shelved = find(name);
        if (!shelved) return false;
        struct Look {
            WalletShelf& shelf;
            bool& more;
            ~Look() { more = shelf.grew(); }
        } look{*this, more};
        const std::uint64_t seals = shelved->wallet->seals();
        work(*shelved->wallet);
        // Keys lie in the database's files as they were before until those are written anew.
        if (shelved->wallet->seals() != seals) {
            if (auto done = storage::forget_old_values(*shelved->store, Family::meta); !done) log::error("Wallet \"{}\": {}", name, done.error().message);
        }
    }
    if (more) tell_role();
    return true;
}

/// Is more watched than the revision speaks of?
bool WalletShelf::grew() {
    bool more = false;
    for (Shelved& one : wallets_) {
        const std::size_t scripts = one.wallet->watched_scripts().size();
        more |= std::exchange(one.seen_scripts, scripts) != scripts;
    }
    if (more) ++revision_;
    return more;
}

void WalletShelf::tell_role() {
    if (LightChain* role = role_) role->watch_changed();
}

// --- the chain

std::shared_ptr<const LightView> WalletShelf::chain() const {
    const LightChain* role = role_;
    return role ? role->view() : nullptr;
}

const HeaderNode* WalletShelf::find_header(const BlockHash& hash) const {
    const LightChain* role = role_;
    return role ? role->find(hash) : nullptr;
}

bool WalletShelf::is_behind() const {
    const auto view = chain();
    return !view || view->phase != Phase::synced;
}

std::optional<WalletDesk::Scanning> WalletShelf::scanning(const std::string& name) const {
    if (const auto state = rescans_.state(name)) {
        const double blocks = std::max<double>(1, state->to - state->from + 1);
        const double done = state->last < state->from ? 0 : (state->last - state->from + 1) / blocks;
        return Scanning{done, std::max<std::int64_t>(0, now() - state->began_s)};
    }
    const auto view = chain();
    if (!view || view->phase != Phase::scanning) return std::nullopt;
    return Scanning{view->progress, std::max<std::int64_t>(0, now() - scan_began_)};
}

void WalletShelf::note_rescan(Shelved& one, Height from) {
    one.searching = false;
    const auto before = rescan_note(*one.wallet);
    if (before && *before <= from) return;
    if (auto done = one.wallet->put_note(kRescanNote, height_bytes(from)); !done) log::warning("{}", done.error().message);
}

void WalletShelf::rescan(const Birthday& since) {
    {
        const std::lock_guard lock(mutex_);
        const Height from = height_of(since);
        for (Shelved& one : wallets_) note_rescan(one, from);
        const std::uint64_t search = add_search(Birthday{from, {}});
        for (Shelved& one : wallets_) one.search = search;
    }
    tell_role();
}

DeskResult<WalletDesk::Rescan> WalletShelf::rescan_and_wait(const std::string& name, const Birthday& since, std::optional<Height> last) {
    Height from = 0;
    std::optional<Height> owed;  // what had to be looked at before
    {
        const std::lock_guard lock(mutex_);
        Shelved* shelved = find(name);
        if (!shelved) return refuse(DeskError::Kind::not_found, "Requested wallet does not exist or is not loaded");
        const auto view = chain();
        from = height_of(since);
        const Height to = last.value_or(view && view->tip ? view->tip->height : from);
        if (!rescans_.begin(name, from, to, now())) return refuse(DeskError::Kind::wallet, kRescanning);
        owed = rescan_note(*shelved->wallet);
        note_rescan(*shelved, from);
        shelved->search = add_search(Birthday{from, {}});
        rescans_.set_revision(name, shelved->search);
    }
    tell_role();
    const Rescans::Result result = rescans_.wait(name, [this] { return chain(); }, [this] { return now(); });
    const bool early = result.end == Rescans::End::done && last.has_value();
    if (early || result.end == Rescans::End::aborted) give_up_rescan(name, owed);
    return Rescan{static_cast<Rescan::End>(result.end), from, result.last};
}

bool WalletShelf::abort_rescan(const std::string& name) { return rescans_.abort(name); }

/// The scan goes on where it was before, but for what wallets still have to have looked at: others, and this one from `owed` on.
void WalletShelf::give_up_rescan(const std::string& name, std::optional<Height> owed) {
    LightChain* role = role_;
    {
        const std::lock_guard lock(mutex_);
        if (Shelved* own = find(name)) {
            const auto reached = rescan_note(*own->wallet);
            (void)own->wallet->put_note(kRescanNote, height_bytes(owed && reached ? std::max(*owed, *reached) : kNothing));
        }
        if (role) role->give_up_rescan(revision_);
        for (Shelved& one : wallets_) {
            const auto note = rescan_note(*one.wallet);
            if (!note) continue;
            one.searching = false;
            one.search = add_search(Birthday{*note, {}});
        }
        for (const auto& [other, state] : rescans_.others(name)) {
            rescans_.set_revision(other, add_search(Birthday{std::max(state.from, state.last + 1), {}}));
        }
    }
    tell_role();
}

std::shared_ptr<const WatchSet> WalletShelf::watch() {
    const std::lock_guard lock(mutex_);
    (void)grew();
    auto set = std::make_shared<WatchSet>();
    const auto plain = plain_.watch();
    if (plain->revision != plain_revision_) {
        for (const auto& addition : plain->additions) {
            if (addition.revision > plain_revision_) additions_.push_back({++revision_, addition.since});
        }
        plain_revision_ = plain->revision;
        write_settings();
    }
    set->scripts = plain->scripts;
    for (const Shelved& one : wallets_) {
        const auto& scripts = one.wallet->watched_scripts();
        set->scripts.insert(set->scripts.end(), scripts.begin(), scripts.end());
    }
    set->additions = additions_;
    set->revision = revision_;
    // Each search says itself where it begins; before all of them nothing is looked at.
    set->birthday = plain->scripts.empty() ? Birthday{} : plain->birthday;
    if (plain->scripts.empty() && !additions_.empty()) {
        const bool by_height = std::all_of(additions_.begin(), additions_.end(), [](const auto& a) { return a.since.height.has_value(); });
        const bool by_time = std::all_of(additions_.begin(), additions_.end(), [](const auto& a) { return a.since.time_s.has_value(); });
        for (const auto& addition : additions_) {
            if (by_height) set->birthday.height = std::min(set->birthday.height.value_or(*addition.since.height), *addition.since.height);
            if (by_time) set->birthday.time_s = std::min(set->birthday.time_s.value_or(*addition.since.time_s), *addition.since.time_s);
        }
    } else if (!wallets_.empty()) {
        set->birthday = {};
    }
    return set;
}

/// Brings wallets onto the branch of `here` that stand on another one. Was one?
bool WalletShelf::rejoin_all(const HeaderNode* here) {
    bool any = false;
    for (Shelved& one : wallets_) {
        if (!here || one.wallet->tip().hash == here->hash) continue;
        const auto from = rejoin(*one.wallet, *here, [this](const BlockHash& hash) { return find_header(hash); });
        if (!from) log::error("Wallet \"{}\": {}", one.name, from.error().message);
        if (!from || !*from) continue;
        log::info("Wallet \"{}\" was on another branch of the chain; looking at blocks from {} on", one.name, **from);
        note_rescan(one, **from);
        one.search = add_search(Birthday{**from, {}});
        any = true;
    }
    return any;
}

void WalletShelf::on_block(const BlockPtr& block, const ScanPlace& place) {
    plain_.on_block(block, place);
    const HeaderNode* here = find_header(place.hash);
    const std::lock_guard lock(mutex_);
    const bool moved = rejoin_all(here);
    for (Shelved& one : wallets_) {
        const auto done = place.height > one.wallet->tip().height ? one.wallet->connect_block(place_of(place), block.get())
                                                                  : one.wallet->rescan_block(place_of(place), *block);
        if (!done) log::error("Wallet \"{}\": {}", one.name, done.error().message);
    }
    (void)grew();
    if (moved) tell_role();
}

void WalletShelf::on_disconnected(const ScanPlace& place) {
    plain_.on_disconnected(place);
    const HeaderNode* node = find_header(place.hash);
    const std::lock_guard lock(mutex_);
    for (Shelved& one : wallets_) {
        if (one.wallet->tip().height < place.height || !node || !node->parent) continue;
        const auto done = take_back(*one.wallet, *node->parent);
        if (!done) log::error("Wallet \"{}\": {}", one.name, done.error().message);
    }
}

void WalletShelf::on_scanned(const ScanPlace& place) {
    plain_.on_scanned(place);
    const HeaderNode* here = find_header(place.hash);
    {
        const std::lock_guard lock(mutex_);
        if (rejoin_all(here)) tell_role();
        for (Shelved& one : wallets_) {
            Wallet& wallet = *one.wallet;
            if (const auto note = rescan_note(wallet); one.searching && note && place.height >= *note) {
                (void)wallet.put_note(kRescanNote, height_bytes(place.height >= wallet.tip().height ? kNothing : place.height + 1));
            }
            if (place.height <= wallet.tip().height) continue;
            if (const auto done = wallet.connect_block(place_of(place), nullptr); !done) log::error("Wallet \"{}\": {}", one.name, done.error().message);
        }
    }
    rescans_.on_scanned(place.height);
}

void WalletShelf::on_search(Height next, std::uint64_t revision) {
    rescans_.on_search(next, revision);
    const std::lock_guard lock(mutex_);
    for (Shelved& one : wallets_) {
        if (revision < one.search) continue;
        const auto note = rescan_note(*one.wallet);
        one.searching = note && next <= *note;
    }
}

void WalletShelf::on_transaction(const TransactionPtr& tx) {
    plain_.on_transaction(tx);
    const std::lock_guard lock(mutex_);
    for (Shelved& one : wallets_) (void)one.wallet->see_transaction(tx, SeenBy::peer);
    (void)grew();
}

}  // namespace cairn::light
