#include "net/http/json_writer.hpp"

#include <gtest/gtest.h>
#include <univalue.h>

namespace cairn::http {
namespace {

TEST(JsonWriter, PutsCommasAndColonsByItself) {
    JsonWriter w;
    w.begin_object().field("height", 5).key("tx").begin_array().string("ab").null().boolean(true).end_array();
    w.key("empty").begin_object().end_object().end_object();
    EXPECT_EQ(w.text(), R"({"height":5,"tx":["ab",null,true],"empty":{}})");
    EXPECT_TRUE(w.complete());
}

TEST(JsonWriter, WritesAmountsWithEightDecimals) {
    const auto text = [](Amount amount) { return JsonWriter().amount(amount).text(); };
    EXPECT_EQ(text(0), "0.00000000");
    EXPECT_EQ(text(1), "0.00000001");
    EXPECT_EQ(text(-1), "-0.00000001");
    EXPECT_EQ(text(kMaxMoney), "21000000.00000000");
    EXPECT_EQ(text(std::numeric_limits<Amount>::min()), "-92233720368.54775808");
}

TEST(JsonWriter, WritesNumbersAsBitcoinCoreDoes) {
    EXPECT_EQ(JsonWriter().number(4.656542373906925e-10).text(), "4.656542373906925e-10");
    EXPECT_EQ(JsonWriter().number(1.0).text(), "1");
    EXPECT_EQ(JsonWriter().number(std::uint64_t{18446744073709551615u}).text(), "18446744073709551615");
    EXPECT_EQ(JsonWriter().number(std::int64_t{-9223372036854775807}).text(), "-9223372036854775807");
}

TEST(JsonWriter, EscapesWhatJsonForbids) {
    const std::string nasty = "a\"b\\c\n\t\x01\x7f\xc3\xa9";
    JsonWriter w;
    w.begin_array().string(nasty).end_array();
    EXPECT_EQ(w.text(), "[\"a\\\"b\\\\c\\n\\t\\u0001\\u007f\xc3\xa9\"]");
    UniValue back;
    ASSERT_TRUE(back.read(w.text()));
    EXPECT_EQ(back[std::size_t{0}].get_str(), nasty);
}

TEST(JsonWriter, RollsBackToItsMark) {
    JsonWriter w;
    w.begin_array().number(1);
    const auto mark = w.mark();
    w.begin_object().key("half").begin_array().number(2);
    w.roll_back(mark);
    w.number(3).end_array();
    EXPECT_EQ(w.text(), "[1,3]");
}

TEST(JsonWriterDeathTest, AbortsOnAValueWithoutKey) {
    EXPECT_DEATH(JsonWriter().begin_object().number(1), "");
}

}  // namespace
}  // namespace cairn::http
