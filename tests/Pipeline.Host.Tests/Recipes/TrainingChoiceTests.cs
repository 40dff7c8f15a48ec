using Pipeline.Host.Recipes;

namespace Pipeline.Host.Tests.Recipes;

public sealed class TrainingChoiceTests
{
    [Fact]
    public void Choices_go_from_the_fastest_to_the_one_that_needs_least_and_never_below_the_longest_document()
    {
        TrainingChoice[] choices = [.. TrainingChoice.Of(65536, 3000, hasCard: true)];

        Assert.Equal(new TrainingChoice(false, false, 16384), choices[0]);
        Assert.Equal(new TrainingChoice(true, true, 3000), choices[^1]);
        Assert.All(choices, c => Assert.InRange(c.BatchTokens, 3000, 16384));
        Assert.Equal(choices.OrderBy(c => c.IsLora).ThenBy(c => c.IsCheckpointed).ThenByDescending(c => c.BatchTokens), choices);
        Assert.Equal(choices.Distinct().Count(), choices.Length);
    }

    [Fact]
    public void A_step_stays_as_large_when_its_batches_shrink()
    {
        Assert.Equal("", new TrainingChoice(false, false, 4096).Options(4096));
        Assert.Equal(", \"train\": \"lora\", \"lora\": { \"rank\": 64, \"alpha\": 64 }, \"activationCheckpointing\": true, \"accumulate\": 16", new TrainingChoice(true, true, 4096).Options(65536));
    }
}
