#include "net/http/rpc_params.hpp"

#include <gtest/gtest.h>

#include "net/http/rpc_error.hpp"

namespace cairn::http {
namespace {

UniValue json(const std::string& text) {
    UniValue value;
    EXPECT_TRUE(value.read(text)) << text;
    return value;
}

template <class Call>
RpcError error_of(Call&& call) {
    try {
        call();
    } catch (const RpcError& error) {
        return error;
    }
    return {0, "no error"};
}

TEST(RpcParams, NameTheTypesInErrors) {
    const auto error = error_of([] { as_string(json("5")); });
    EXPECT_EQ(error.code, rpc_code::kType);
    EXPECT_EQ(error.message, "JSON value of type number is not of expected type string");
    EXPECT_EQ(error_of([] { as_bool(json("null")); }).message, "JSON value of type null is not of expected type bool");
    EXPECT_EQ(error_of([] { as_array(json("{}")); }).message, "JSON value of type object is not of expected type array");
}

TEST(RpcParams, KeepWholeNumbersWhole) {
    EXPECT_EQ(as_int<int>(json("-7")), -7);
    EXPECT_EQ(as_uint64(json("18446744073709551615")), 18446744073709551615u);
    for (const char* bad : {"1.0", "1e3", "2147483648", "-2147483649"}) {
        EXPECT_EQ(error_of([&] { as_int<int>(json(bad)); }).message, "JSON integer out of range") << bad;
    }
}

TEST(RpcParams, TellWhatIsWrongWithAHash) {
    const std::string good(64, 'a');
    EXPECT_EQ(as_hash(UniValue(good), "blockhash").to_display_hex(), good);
    EXPECT_EQ(error_of([] { as_hash(UniValue("abc"), "blockhash"); }).message, "blockhash must be of length 64 (not 3, for 'abc')");
    const std::string bad = "z" + std::string(63, '0');
    EXPECT_EQ(error_of([&] { as_hash(UniValue(bad), "txid"); }).message, "txid must be hexadecimal string (not '" + bad + "')");
}

TEST(RpcParams, ReadAmountsExactly) {
    EXPECT_EQ(as_amount(json("0.00000001")), 1);
    EXPECT_EQ(as_amount(json("\"1.5\"")), 150'000'000);
    EXPECT_EQ(as_amount(json("1e-8")), 1);
    EXPECT_EQ(as_amount(json("0.1e1")), 100'000'000);
    EXPECT_EQ(as_amount(json("20999999.99999999")), 2'099'999'999'999'999);
    EXPECT_EQ(error_of([] { as_amount(json("1e-9")); }).message, "Invalid amount");
    EXPECT_EQ(error_of([] { as_amount(json("\"0.000000001\"")); }).message, "Invalid amount");
    EXPECT_EQ(error_of([] { as_amount(json("-1")); }).message, "Amount out of range");
    EXPECT_EQ(error_of([] { as_amount(json("21000001")); }).message, "Amount out of range");
    EXPECT_EQ(error_of([] { as_amount(json("true")); }).message, "Amount is not a number or string");
}

TEST(RpcParams, FixedPointRefusesWhatIsNoNumber) {
    std::int64_t out = 0;
    for (const char* bad : {"", "-", ".5", "1.", "01", "1e", "1e+", "+1", " 1", "1 ", "0x1", "1e100", "999999999999999999999"}) {
        EXPECT_FALSE(parse_fixed_point(bad, 8, out)) << bad;
    }
    EXPECT_TRUE(parse_fixed_point("9999999999.99999999", 8, out));
    EXPECT_EQ(out, 999'999'999'999'999'999);
    EXPECT_FALSE(parse_fixed_point("10000000000.00000000", 8, out));
}

TEST(RpcParams, CheckMembersOfObjects) {
    const UniValue object = json(R"({"a":1,"b":"x"})");
    EXPECT_NO_THROW(check_object_types(object, {{"a", UniValue::VNUM}, {"b", UniValue::VSTR}}, false, true));
    EXPECT_EQ(error_of([&] { check_object_types(object, {{"c", UniValue::VNUM}}, false, false); }).message, "Missing c");
    EXPECT_EQ(error_of([&] { check_object_types(object, {{"a", UniValue::VSTR}}, false, false); }).message,
              "JSON value of type number for field a is not of expected type string");
    EXPECT_EQ(error_of([&] { check_object_types(object, {{"a", UniValue::VNUM}}, true, true); }).message, "Unexpected key b");
}

TEST(RpcParams, VerbosityMayBeABoolean) {
    EXPECT_EQ(as_verbosity(json("null"), 1, true), 1);
    EXPECT_EQ(as_verbosity(json("true"), 0, true), 1);
    EXPECT_EQ(as_verbosity(json("3"), 0, false), 3);
    EXPECT_EQ(error_of([] { as_verbosity(json("true"), 0, false); }).message, "Verbosity was boolean but only integer allowed");
}

}  // namespace
}  // namespace cairn::http
