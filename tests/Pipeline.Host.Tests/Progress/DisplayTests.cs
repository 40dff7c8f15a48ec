using Pipeline.Contracts.Stages;
using Pipeline.Host.Progress;
using Spectre.Console;

namespace Pipeline.Host.Tests.Progress;

public sealed class DisplayTests
{
    [Fact]
    public async Task The_table_shows_stages_counts_steps_and_losses()
    {
        using var text = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.Yes, Interactive = InteractionSupport.Yes, Out = new AnsiConsoleOutput(text) });
        console.Profile.Width = 120;
        using var display = new TableDisplay(console, TimeProvider.System);
        FlowMeter flow = Flow();

        display.Begin(flow);
        display.WriteLine("a line that stays");
        await Task.Delay(600);
        display.End(flow);

        string shown = text.ToString();
        foreach (string part in new[] { "score", "part 2 of 8", "read", "train", "12.3k", "a line that stays", "train: 50 of 100", "loss 0.25" })
            Assert.Contains(part, shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_there_is_no_terminal_the_same_comes_as_lines()
    {
        using var text = new StringWriter();
        TextWriter output = TextWriter.Synchronized(text);
        using var display = new PlainDisplay(output, TimeProvider.System, TimeSpan.FromMilliseconds(20));
        FlowMeter flow = Flow();

        display.Begin(flow);
        string shown = "";
        while (!shown.Contains('\n', StringComparison.Ordinal))
        {
            await Task.Delay(10);
            lock (output)
                shown = text.ToString();
        }
        display.End(flow);

        foreach (string part in new[] { "flow 'score'", "part 2 of 8", "read 12.3k records (2 rejected)", "tokens/s", "train 50 of 100", "loss 0.25" })
            Assert.Contains(part, shown, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', shown);
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(7, "7")]
    [InlineData(9999, "9999")]
    [InlineData(9999.7, "10k")]
    [InlineData(12_345, "12.3k")]
    [InlineData(999_400, "999k")]
    [InlineData(999_600, "1M")]
    [InlineData(1_234_567_890, "1.23G")]
    [InlineData(2.1451873, "2.145")]
    [InlineData(-0.0123456, "-0.01235")]
    [InlineData(0.00012345, "0.0001234")]
    [InlineData(0.0000123456, "1.235e-5")]
    [InlineData(double.NaN, "NaN")]
    public void Numbers_have_three_or_four_digits(double value, string expected) => Assert.Equal(expected, Rates.Short(value));

    [Fact]
    public void Lines_of_parts_fit_a_hundred_columns_and_lose_nothing()
    {
        string[] parts = [.. Enumerable.Range(0, 30).Select(i => new string((char)('a' + (i % 26)), 7 + i))];
        string wrapped = Rates.Wrap(parts, " | ", Rates.StampColumns);

        string[] lines = wrapped.Split('\n');
        Assert.True(lines.Length > 5);
        Assert.All(lines.Skip(1), line => Assert.StartsWith(new string(' ', Rates.StampColumns), line, StringComparison.Ordinal));
        Assert.All(lines, line => Assert.InRange(line.Length, 1, Rates.Columns));
        Assert.Equal(parts, wrapped.Split([" | ", " |\n"], StringSplitOptions.None).Select(p => p.Trim()));
    }

    [Fact]
    public void The_time_left_counts_only_what_this_run_did()
    {
        Assert.Equal(TimeSpan.FromSeconds(30), Rates.Left(new StageProgress(70, 100, 60), TimeSpan.FromSeconds(10)));
        Assert.Null(Rates.Left(new StageProgress(60, 100, 60), TimeSpan.FromSeconds(10)));
        Assert.Null(Rates.Left(StageProgress.Unknown, TimeSpan.FromSeconds(10)));
    }

    private static FlowMeter Flow()
    {
        var flow = new FlowMeter("score", ["read", "train"], [StageRole.Source, StageRole.Sink], TimeProvider.System.GetTimestamp()) { PartitionCount = 8, PartitionsDone = 1 };
        var read = new StageMeter("score", "read", NoScalars.Instance, _ => { });
        var train = new StageMeter("score", "train", NoScalars.Instance, _ => { });
        for (int i = 0; i < 12_345; i++)
            read.HandedOver();
        read.Count(Rates.TokenCount, 5000);
        read.Rejected("too long");
        read.Rejected("too long");
        train.Progress(50, 100);
        train.Scalar("loss", 50, 0.25);
        flow.Begin([read, train]);
        return flow;
    }
}
