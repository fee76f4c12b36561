#include "storage/atomic_file.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cairn::storage {
namespace fs = std::filesystem;
namespace {

StorageError error_of(int number, const std::string& what, const fs::path& file) {
    using Kind = StorageError::Kind;
    const Kind kind = number == ENOSPC || number == EDQUOT            ? Kind::no_space
                      : number == EACCES || number == EPERM || number == EROFS ? Kind::permission
                      : number == ENOENT                              ? Kind::not_found
                                                                      : Kind::io;
    return {kind, "Cannot " + what + " " + file.string() + ": " + std::strerror(number)};
}

/// A file that closes itself.
class Handle {
public:
    Handle(const fs::path& path, int flags, mode_t mode = 0) : handle_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
    ~Handle() {
        if (handle_ >= 0) ::close(handle_);
    }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    explicit operator bool() const { return handle_ >= 0; }
    int get() const { return handle_; }
    bool close() { return ::close(std::exchange(handle_, -1)) == 0; }

private:
    int handle_;
};

bool write_all(int handle, ByteSpan bytes) {
    for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t count = ::write(handle, bytes.data() + done, bytes.size() - done);
        if (count < 0 && errno != EINTR) return false;
        if (count > 0) done += static_cast<std::size_t>(count);
    }
    return true;
}

}  // namespace

Stored<void> write_file_atomically(const fs::path& file, ByteSpan bytes) {
    const fs::path fresh = file.string() + ".new";
    const auto failed = [&] {
        const int number = errno;
        ::unlink(fresh.c_str());
        return fail(error_of(number, "write", file));
    };
    ::unlink(fresh.c_str());  // whatever a crash left; nobody else's rights stay on what is made now
    Handle handle(fresh, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (!handle) return fail(error_of(errno, "write", file));
    if (!write_all(handle.get(), bytes) || ::fsync(handle.get()) != 0 || !handle.close()) return failed();
    if (::rename(fresh.c_str(), file.c_str()) != 0) return failed();
    const Handle folder(file.has_parent_path() ? file.parent_path() : fs::path("."), O_RDONLY | O_DIRECTORY);
    if (!folder || ::fsync(folder.get()) != 0) return fail(error_of(errno, "write", file));
    return {};
}

Stored<Bytes> read_whole_file(const fs::path& file, std::size_t max_bytes) {
    const Handle handle(file, O_RDONLY);
    if (!handle) return fail(error_of(errno, "read", file));
    struct stat info {};
    if (::fstat(handle.get(), &info) != 0) return fail(error_of(errno, "read", file));
    if (!S_ISREG(info.st_mode)) return fail(StorageError{StorageError::Kind::io, "Cannot read " + file.string() + ": it is not a file"});
    if (static_cast<std::uint64_t>(info.st_size) > max_bytes)
        return fail(StorageError{StorageError::Kind::io, "Cannot read " + file.string() + ": it is too large"});
    Bytes bytes(static_cast<std::size_t>(info.st_size));
    for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t count = ::read(handle.get(), bytes.data() + done, bytes.size() - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail(error_of(errno, "read", file));
        if (count == 0) bytes.resize(done);
        done += static_cast<std::size_t>(count);
    }
    return bytes;
}

}  // namespace cairn::storage
