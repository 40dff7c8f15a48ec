using CsCheck;
using Pipeline.Stages.NextBytes;

namespace Pipeline.Stages.Tests.NextBytes;

/// <summary>Which two tokens of small random BPE tokenizers may be neighbours, against the tokenizers themselves.</summary>
public sealed class PairRuleTests
{
    [Fact]
    public void Two_tokens_follow_each_other_when_the_tokenizer_makes_them_of_their_joined_text()
        => Gen.Int[0, 1_000_000].Sample(seed =>
        {
            var toy = new ToyBpe(seed, letters: 2, mostMerges: 14);
            var rule = new PairRule(toy.Vocabulary);
            for (int left = 0; left < toy.Begin; left++)
            {
                Assert.Equal(toy.Encode(toy.Spell([left])) is [var own] && own == left, rule.IsReachable[left]);
                ulong[] after = rule.After(left);
                for (int right = 0; right < toy.Begin; right++)
                {
                    bool expected = toy.Encode(toy.Spell([left, right])).AsSpan().SequenceEqual([left, right]);
                    int place = toy.Vocabulary.PlaceOf(right);
                    Assert.Equal(expected, rule.Follows(left, right));
                    Assert.Equal(expected, (after[place >> 6] >> (place & 63) & 1) != 0);
                }
            }
        }, iter: 5000);
}
