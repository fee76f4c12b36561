#include "node/config/args.hpp"

#include <unistd.h>

#include <fstream>

#include <gtest/gtest.h>

#include "node/config/identity.hpp"
#include "node/config/options.hpp"

namespace cairn::node {
namespace {

Args make() {
    Args args;
    args.add_all(daemon_options());
    return args;
}

Result<void, std::string> parse(Args& args, std::vector<const char*> words) {
    words.insert(words.begin(), "cairnd");
    return args.parse_command_line(static_cast<int>(words.size()), words.data());
}

std::string error_of(std::vector<const char*> words) {
    Args args = make();
    const auto result = parse(args, std::move(words));
    return result ? "" : result.error();
}

TEST(Args, UnderstandValuesNegationsAndDoubleDashes) {
    Args args = make();
    ASSERT_TRUE(parse(args, {"-prune=550", "--server", "-nolisten", "-dnsseed=0", "-nodns=0"}));
    EXPECT_EQ(args.get_int("-prune"), 550);
    EXPECT_EQ(args.get_bool("-server"), true);
    EXPECT_EQ(args.get_bool("-listen"), false);
    EXPECT_TRUE(args.is_negated("-listen"));
    EXPECT_EQ(args.get_bool("-dnsseed"), false);
    EXPECT_EQ(args.get_bool("-dns"), true);
    EXPECT_EQ(args.warnings(), std::vector<std::string>{"Parsed potentially confusing double-negative -dns=0"});
    EXPECT_FALSE(args.get("-txindex"));
}

TEST(Args, RefuseWhatTheyDoNotKnow) {
    EXPECT_EQ(error_of({"-fakearg=1"}), "Error parsing command line arguments: Invalid parameter -fakearg=1");
    EXPECT_EQ(error_of({"-main.prune=1"}), "Error parsing command line arguments: Invalid parameter -main.prune=1");
    EXPECT_EQ(error_of({"-nodatadir"}), "Error parsing command line arguments: Negating of -datadir is meaningless and therefore forbidden");
    EXPECT_EQ(error_of({"-proxy"}),
              "Error parsing command line arguments: Can not set -proxy with no value. Please specify value with -proxy=value.");
    EXPECT_EQ(error_of({"-includeconf=x", "-includeconf=y"}),
              "Error parsing command line arguments: -includeconf cannot be used from commandline; -includeconf=\"x\"");
    EXPECT_EQ(error_of({"-noincludeconf=0"}),
              "Error parsing command line arguments: -includeconf cannot be used from commandline; -includeconf=true");
    EXPECT_EQ(error_of({"stop"}), "Command line contains unexpected token 'stop', see bitcoind -h for a list of options.");
}

TEST(Args, TakeTheLastOfTheCommandLineAndTheFirstOfTheFile) {
    Args args = make();
    ASSERT_TRUE(parse(args, {"-rpcthreads=1", "-rpcthreads=2"}));
    ASSERT_TRUE(args.read_config_text("rpcthreads=7\npar=3\npar=4\n", "f"));
    EXPECT_EQ(args.get_int("-rpcthreads"), 2);
    EXPECT_EQ(args.get_int("-par"), 3);
}

TEST(Args, PreferTheSectionOfTheNetwork) {
    Args args = make();
    ASSERT_TRUE(parse(args, {"-regtest"}));
    ASSERT_TRUE(args.read_config_text("par=1\nport=1111\nregtest.par=2\n[test]\npar=3\n[regtest]\nrpcport=5555\n", "f"));
    ASSERT_EQ(*args.select_network(), "regtest");
    EXPECT_EQ(args.get_int("-par"), 2);
    EXPECT_EQ(args.get_int("-rpcport"), 5555);
    EXPECT_FALSE(args.get("-port")) << "network-only options of the default section do not count";
    EXPECT_EQ(args.misplaced_network_options(), std::set<std::string>{"-port"});
}

TEST(Args, NegationCutsListsShort) {
    Args args = make();
    ASSERT_TRUE(parse(args, {"-debug=net", "-nodebug", "-debug=rpc"}));
    ASSERT_TRUE(args.read_config_text("debug=http\n", "f"));
    EXPECT_EQ(args.list("-debug"), (std::vector<std::string>{"rpc", "http"})) << "values of the file come back when something is left";
    Args none = make();
    ASSERT_TRUE(parse(none, {"-rpcauth=a", "-norpcauth"}));
    ASSERT_TRUE(none.read_config_text("rpcauth=b\n", "f"));
    EXPECT_TRUE(none.list("-rpcauth").empty());
}

TEST(Args, ComplainAboutTheFileByLine) {
    const auto error = [](const char* text) {
        Args args = make();
        const auto result = args.read_config_text(text, "f");
        return result ? std::string() : result.error();
    };
    EXPECT_EQ(error("# fine\n\nserver=1 # yes\n"), "");
    EXPECT_EQ(error("garbage\n"), "parse error on line 1: garbage");
    EXPECT_EQ(error("\nnono\n"), "parse error on line 2: nono, if you intended to specify a negated option, use nono=1 instead");
    EXPECT_EQ(error("-dash=1\n"), "parse error on line 1: -dash=1, options in configuration file must be specified without leading -");
    EXPECT_EQ(error("server=1\n[main]\nrpcpassword=some#pass\n"),
              "parse error on line 3, using # in rpcpassword can be ambiguous and should be avoided");
    EXPECT_EQ(error("conf=x\n"),
              "conf cannot be set in the configuration file; use includeconf= if you want to include additional config files");
}

TEST(Args, WarnOfUnknownKeysAndSections) {
    Args args = make();
    ASSERT_TRUE(args.read_config_text("dash_conf=1\ntestnot.datadir=1\n[testnet]\n", "f"));
    EXPECT_EQ(args.warnings().at(0), "Ignoring unknown configuration value dash_conf");
    const auto sections = args.unknown_sections();
    ASSERT_EQ(sections.size(), 2u);
    EXPECT_EQ(sections[0].name, "testnot");
    EXPECT_EQ(sections[0].line, 2);
    EXPECT_EQ(sections[1].name, "testnet");
}

TEST(Args, ChooseOneNetwork) {
    const auto network = [](std::vector<const char*> words) {
        Args args = make();
        EXPECT_TRUE(parse(args, std::move(words)));
        const auto result = args.select_network();
        return result ? *result : result.error();
    };
    EXPECT_EQ(network({}), "main");
    EXPECT_EQ(network({"-testnet"}), "test");
    EXPECT_EQ(network({"-chain=signet"}), "signet");
    EXPECT_EQ(network({"-chain=nowhere"}), "Unknown chain nowhere.");
    EXPECT_EQ(network({"-regtest", "-signet"}),
              "Invalid combination of -regtest, -signet, -testnet, -testnet4 and -chain. Can use at most one.");
}

TEST(Args, FindTheirDirectories) {
    Args args = make();
    ASSERT_TRUE(parse(args, {"-datadir=/tmp/", "-testnet", "-debuglogfile=x/../log.txt"}));
    ASSERT_TRUE(args.select_network());
    EXPECT_EQ(args.data_dir(), "/tmp");
    EXPECT_EQ(args.network_data_dir(), "/tmp/testnet3");
    EXPECT_EQ(args.absolute(args.path("-debuglogfile")), "/tmp/testnet3/log.txt");
    EXPECT_EQ(args.path("-pid", "bitcoind.pid"), "bitcoind.pid");
}

TEST(Args, ReadIncludedFilesOnce) {
    const auto dir = std::filesystem::temp_directory_path() / ("cairn_args_" + std::to_string(getpid()));
    std::filesystem::create_directories(dir);
    std::ofstream(dir / "bitcoin.conf") << "uacomment=main\nincludeconf=more.conf\n";
    std::ofstream(dir / "more.conf") << "uacomment=more\nincludeconf=never.conf\n";
    const std::string option = "-datadir=" + dir.string();
    Args args = make();
    ASSERT_TRUE(parse(args, {option.c_str()}));
    ASSERT_TRUE(args.read_config_files());
    EXPECT_EQ(args.list("-uacomment"), (std::vector<std::string>{"main", "more"}));
    std::filesystem::remove(dir / "more.conf");
    EXPECT_EQ(args.read_config_files().error(), "Failed to include configuration file more.conf");
    std::filesystem::remove_all(dir);
}

TEST(Args, HideSensitiveValuesFromTheLog) {
    Args args = make();
    ASSERT_TRUE(parse(args, {"-rpcpassword=secret", "-par=2"}));
    EXPECT_EQ(args.describe(), (std::vector<std::string>{"Command-line arg: par=\"2\"", "Command-line arg: rpcpassword=****"}));
}

TEST(Args, HelpShowsOptionsByGroup) {
    const std::string plain = make().help(false), debug = make().help(true);
    EXPECT_TRUE(plain.starts_with("Options:\n\n"));
    EXPECT_NE(plain.find("RPC server options:"), std::string::npos);
    EXPECT_EQ(plain.find("-mocktime"), std::string::npos);
    EXPECT_NE(debug.find("-mocktime=<n>"), std::string::npos);
}

TEST(ParseLeadingInt, StopsAtTheFirstOddCharacter) {
    EXPECT_EQ(parse_leading_int(" 12abc"), 12);
    EXPECT_EQ(parse_leading_int("-7"), -7);
    EXPECT_EQ(parse_leading_int("true"), 0);
    EXPECT_EQ(parse_leading_int("99999999999999999999"), std::numeric_limits<std::int64_t>::max());
}

TEST(SplitHostPort, KnowsBracketsAndBareAddresses) {
    const auto split = [](const char* text, std::uint16_t port = 8332) {
        std::string host;
        const bool valid = split_host_port(text, host, port);
        return valid ? host + "|" + std::to_string(port) : std::string("invalid");
    };
    EXPECT_EQ(split("127.0.0.1"), "127.0.0.1|8332");
    EXPECT_EQ(split("127.0.0.1:1"), "127.0.0.1|1");
    EXPECT_EQ(split("[::1]:18443"), "::1|18443");
    EXPECT_EQ(split("::1"), "::1|8332");
    EXPECT_EQ(split(":8333"), "|8333");
    for (const char* bad : {"a:notaport", "a:-1", "a:0", "a:65536", "[::1]:x", "a:"}) EXPECT_EQ(split(bad), "invalid") << bad;
}

}  // namespace
}  // namespace cairn::node
