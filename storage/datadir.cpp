#include "storage/datadir.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace cairn::storage {

namespace {

StorageError system_error(const std::string& what, int code) {
    using Kind = StorageError::Kind;
    const Kind kind = code == ENOSPC || code == EDQUOT                    ? Kind::no_space
                      : code == EACCES || code == EPERM || code == EROFS ? Kind::permission
                      : code == ENOENT                                   ? Kind::not_found
                                                                         : Kind::io;
    return {kind, what + ": " + std::strerror(code)};
}

}  // namespace

Stored<DirectoryLock> DirectoryLock::acquire(const std::filesystem::path& directory, std::string_view program) {
    const std::string file = (directory / ".lock").string();
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0) {
        return fail(StorageError{StorageError::Kind::permission,
                                 "Cannot write to directory '" + directory.string() + "'; check permissions."});
    }
    struct flock request {};
    request.l_type = F_WRLCK;
    request.l_whence = SEEK_SET;
    // Both kinds of lock: fcntl's keeps out other programs that use it, flock's also another opening in this process.
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0 || ::fcntl(descriptor, F_SETLK, &request) != 0) {
        ::close(descriptor);
        return fail(StorageError{StorageError::Kind::locked, "Cannot obtain a lock on directory " + directory.string() + ". " +
                                                                 std::string(program) + " is probably already running."});
    }
    return DirectoryLock(descriptor);
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

DirectoryLock::~DirectoryLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Stored<void> make_directories(const std::filesystem::path& directory, bool umask_permissions) {
    // What stands above is made first, so that only what is ours is closed to others.
    std::error_code code;
    if (std::filesystem::is_directory(directory, code)) return {};
    const auto parent = directory.parent_path();
    if (!parent.empty() && parent != directory) {
        if (auto made = make_directories(parent, umask_permissions); !made) return made;
    }
    if (::mkdir(directory.c_str(), umask_permissions ? 0777 : 0700) == 0) return {};
    const int reason = errno;
    if (reason == EEXIST && std::filesystem::is_directory(directory, code)) return {};
    return fail(system_error("Cannot create directory '" + directory.string() + "'", reason));
}

Stored<void> refuse_foreign(const std::filesystem::path& directory, const std::filesystem::path& blocks) {
    for (const auto& mark : {directory / "chainstate" / "CURRENT", blocks / "index" / "CURRENT", blocks / "blk00000.dat"}) {
        std::error_code ignored;
        if (!std::filesystem::exists(mark, ignored)) continue;
        return fail(StorageError{StorageError::Kind::foreign,
                                 "The directory '" + directory.string() + "' holds the chain of another program (" + mark.string() +
                                     "), which stays as it is. Choose another -datadir."});
    }
    return {};
}

Stored<std::uint64_t> free_space(const std::filesystem::path& path) {
    struct statvfs info {};
    if (::statvfs(path.c_str(), &info) != 0) {
        return fail(system_error("Cannot read the free space of '" + path.string() + "'", errno));
    }
    return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

Stored<void> check_free_space(const std::filesystem::path& path, std::uint64_t needed) {
    const auto space = free_space(path);
    if (!space) return fail(space.error());
    if (*space >= kMinimumFreeSpace && *space - kMinimumFreeSpace >= needed) return {};
    return fail(StorageError{StorageError::Kind::no_space,
                             "Disk space is too low: " + std::to_string(*space) + " bytes are free on '" + path.string() + "', " +
                                 std::to_string(needed) + " and a reserve are needed."});
}

}  // namespace cairn::storage
