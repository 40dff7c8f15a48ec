using System.Text.Json;
using Pipeline.Stages.Objectives.Schedules;
using Xunit.Abstractions;

namespace Pipeline.Stages.Tests.Objectives;

public sealed class ScheduleTests(ITestOutputHelper output)
{
    [Fact]
    public void Learning_rates_are_the_references()
    {
        if (GoldenFolder.Path is null)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        int schedules = 0;
        foreach (JsonElement golden in GoldenFolder.Json("losses/lr_schedules.json").EnumerateArray())
        {
            var options = new LearningRateOptions
            {
                Kind = Enum.Parse<ScheduleKind>(golden.GetProperty("kind").GetString()!, ignoreCase: true),
                Rate = golden.GetProperty("lr").GetDouble(),
                WarmupSteps = golden.GetProperty("warmup_steps").GetInt64(),
                EndFraction = golden.GetProperty("alpha").GetDouble(),
                PrefixSteps = golden.GetProperty("prefix_steps").GetInt64(),
                PrefixRate = golden.GetProperty("prefix_lr").GetDouble(),
            };
            double[] values = golden.GetProperty("values").Numbers();
            for (int step = 0; step < values.Length; step++)
                Assert.Equal(values[step], LearningRate.At(options, step, golden.GetProperty("steps").GetInt64()), 1e-12);
            schedules++;
        }
        Assert.Equal(4, schedules);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(2, 0.5)]
    [InlineData(4, 1)]
    [InlineData(10, 1)]
    [InlineData(1000, 1)]
    public void A_constant_rate_warms_up_and_stays(long step, double expected)
        => Assert.Equal(expected, LearningRate.At(new() { Kind = ScheduleKind.Constant, Rate = 1, WarmupSteps = 4 }, step, 20), 1e-12);

    [Fact]
    public void A_weight_goes_from_its_value_to_the_fraction_between_two_steps()
    {
        var schedule = new WeightSchedule(2, new() { Begin = 10, End = 20, Fraction = 0.5 });
        Assert.Equal([2, 2, 1.5, 1, 1], new long[] { 0, 10, 15, 20, 99 }.Select(schedule.At));
        Assert.Equal(3, new WeightSchedule(3, null).At(12345));
    }
}
