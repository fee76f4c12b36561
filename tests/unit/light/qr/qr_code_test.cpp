#include "light/qr/qr_code.hpp"

#include <gtest/gtest.h>

namespace cairn::light {
namespace {

TEST(QrCode, HasTheThreeFindersOfAnyCode) {
    const auto code = make_qr_code("bitcoin:bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080");
    ASSERT_TRUE(code);
    EXPECT_EQ((code->size - 17) % 4, 0);
    for (const auto& [x, y] : {std::pair{0, 0}, {code->size - 7, 0}, {0, code->size - 7}}) {
        for (int i = 0; i < 7; ++i) {
            EXPECT_TRUE(code->dark(x + i, y) && code->dark(x, y + i) && code->dark(x + i, y + 6) && code->dark(x + 6, y + i));
        }
        EXPECT_FALSE(code->dark(x + 1, y + 1));
        EXPECT_TRUE(code->dark(x + 3, y + 3));
    }
}

TEST(QrCode, RefusesWhatFitsInNoCode) {
    EXPECT_FALSE(make_qr_code(""));
    EXPECT_TRUE(make_qr_code(std::string(2300, 'x')));
    EXPECT_FALSE(make_qr_code(std::string(5000, 'x')));
}

TEST(QrCode, DrawsTwoRowsALineWithAMargin) {
    QrCode code;
    code.size = 3;
    code.modules = {true, false, false, true, true, false, false, false, true};
    // Seven rows with the margin: light, light | row 0, row 1 | row 2, light | light.
    EXPECT_EQ(draw_for_terminal(code, false),
              "\u2588\u2588\u2588\u2588\u2588\u2588\u2588\n"
              "\u2588\u2588 \u2580\u2588\u2588\u2588\n"
              "\u2588\u2588\u2588\u2588\u2584\u2588\u2588\n"
              "\u2580\u2580\u2580\u2580\u2580\u2580\u2580\n");
    EXPECT_TRUE(draw_for_terminal(code, true).starts_with("\x1b[37;40;1m"));
}

TEST(PaymentUri, LeavesOutWhatIsNotSaid) {
    EXPECT_EQ(payment_uri("bc1q"), "bitcoin:bc1q");
    EXPECT_EQ(payment_uri("bc1q", 20'300'000), "bitcoin:bc1q?amount=0.203");
    EXPECT_EQ(payment_uri("bc1q", kCoin * 50), "bitcoin:bc1q?amount=50");
    EXPECT_EQ(payment_uri("bc1q", 1, "Luke & Jr", "Donation for 100% \xc3\xa9"),
              "bitcoin:bc1q?amount=0.00000001&label=Luke%20%26%20Jr&message=Donation%20for%20100%25%20%C3%A9");
    EXPECT_EQ(payment_uri("bc1q", 0, "x"), "bitcoin:bc1q?label=x");
}

}  // namespace
}  // namespace cairn::light
