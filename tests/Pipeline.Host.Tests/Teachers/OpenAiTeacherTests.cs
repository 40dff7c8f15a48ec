using Pipeline.Contracts.Definitions;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Contracts.Teachers;
using Pipeline.Host.Hosting;
using Pipeline.Stages.Teacher;
using Pipeline.Stages.Teacher.Server;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Host.Tests.Teachers;

/// <summary>A teacher behind a server: what it says arrives as it is, and what is no answer is an error that names it.</summary>
public sealed class OpenAiTeacherTests : IServiceProvider, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeServer _server = new(259, seed: 3);
    private TimeSpan _delay = TimeSpan.FromMilliseconds(1);
    private readonly int[][] _rows = [[256, 84, 111, 109, 32, 104, 97, 115], [256, 32, 51], [256, 10]];

    public void Dispose()
    {
        _server.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(ServerKind.Vllm)]
    [InlineData(ServerKind.Sglang)]
    [InlineData(ServerKind.Completions)]
    public async Task Scores_are_the_servers_and_masses_lie_within_their_bounds(ServerKind server)
    {
        IReadOnlyList<TeacherAnswer> answers = await AskAsync(new() { Server = server, Top = 20 });
        for (int r = 0; r < _rows.Length; r++)
        {
            TeacherScores scores = answers[r].Scores;
            Assert.Null(scores.NegLogBoundary);
            for (int t = 0; t < _rows[r].Length; t++)
            {
                if (t > 0)
                    Assert.Equal(-_server.LogP(_rows[r][t - 1], _rows[r][t]), scores.NegLogLikelihood[t], 1e-5);
                double mass = Mass(_rows[r][t]);
                Assert.InRange(mass, Math.Exp(-scores.Interval!.NegLogLower[t]) - 1e-6, Math.Exp(-scores.Interval.NegLogUpper[t]) + 1e-6);
            }
        }
    }

    [Theory]
    [InlineData(ServerKind.Vllm)]
    [InlineData(ServerKind.Sglang)]
    public async Task A_whole_distribution_gives_the_mass_itself(ServerKind server)
    {
        IReadOnlyList<TeacherAnswer> answers = await AskAsync(new() { Server = server, WholeDistribution = true });
        for (int r = 0; r < _rows.Length; r++)
        {
            for (int t = 0; t < _rows[r].Length; t++)
                Assert.Equal(Mass(_rows[r][t]), Math.Exp(-answers[r].Scores.NegLogBoundary![t]), 1e-6);
        }
    }

    [Theory]
    [InlineData(ServerKind.Vllm)]
    [InlineData(ServerKind.Sglang)]
    [InlineData(ServerKind.Completions)]
    public async Task Without_a_list_masses_are_not_known(ServerKind server)
    {
        IReadOnlyList<TeacherAnswer> answers = await AskAsync(new() { Server = server, Top = 0 });
        Assert.All(answers, a => Assert.True(a.Scores is { NegLogBoundary: null, Interval: null }));
        Assert.Equal(-_server.LogP(_rows[0][0], _rows[0][1]), answers[0].Scores.NegLogLikelihood[1], 1e-5);
    }

    [Theory]
    [MemberData(nameof(ServerFaults.All), MemberType = typeof(ServerFaults))]
    public async Task What_is_no_answer_is_an_error_that_says_what_it_was(ServerKind server, string fault, string says)
    {
        ServerFaults.Plant(_server, server, fault);
        InputException error = await Assert.ThrowsAsync<InputException>(() => AskAsync(new() { Server = server, Retries = 0, Top = 3 }));
        Assert.Contains(_server.Url, error.Message, StringComparison.Ordinal);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Half_an_answer_is_asked_for_again_and_one_that_stays_half_is_an_error()
    {
        _server.Text = (number, text) => number % 2 == 0 ? null : text;
        IReadOnlyList<TeacherAnswer> answers = await AskAsync(new() { Retries = 4, InFlight = 1 });
        Assert.Equal(2 * _rows.Length, _server.Requests);
        Assert.Equal(-_server.LogP(_rows[0][0], _rows[0][1]), answers[0].Scores.NegLogLikelihood[1], 1e-5);
        _server.Text = (_, _) => null;
        Assert.Contains("tried 3 times", (await Assert.ThrowsAsync<InputException>(() => AskAsync(new() { Retries = 2 }))).Message, StringComparison.Ordinal);
    }

    /// <summary>The wait of our own would be longer than the test's patience.</summary>
    [Fact]
    public async Task A_server_that_says_when_to_come_again_is_believed()
    {
        (_server.Status, _server.RetryAfter, _delay) = (number => number == 0 ? 429 : 200, "0", TimeSpan.FromMinutes(1));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(40));
        Assert.Equal(_rows.Length, (await AskAsync(new() { Retries = 1 }, patience.Token)).Count);
        Assert.Equal(_rows.Length + 1, _server.Requests);
    }

    [Fact]
    public async Task A_refusal_for_load_is_asked_again_and_one_that_stays_is_an_error()
    {
        _server.Status = number => number < 2 ? 429 : 200;
        Assert.Equal(_rows.Length, (await AskAsync(new() { Retries = 4 })).Count);
        _server.Status = _ => 503;
        Assert.Contains("503", (await Assert.ThrowsAsync<InputException>(() => AskAsync(new() { Retries = 1 }))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_model_after_a_restart_is_refused()
    {
        await using ITeacher first = Teacher(new());
        await first.ConfirmAsync(default);
        await first.ConfirmAsync(default);
        using var other = new FakeServer(259, seed: 4);
        await using ITeacher second = Teacher(new(), other.Url);
        Assert.Contains("is not the one this run began with", (await Assert.ThrowsAsync<InputException>(() => second.ConfirmAsync(default))).Message, StringComparison.Ordinal);
    }

    private double Mass(int before)
        => Enumerable.Range(0, 259).Where(id => id is 32 or 10 or 9 || id >= 256).Sum(id => Math.Exp(_server.LogP(before, id)));

    private async Task<IReadOnlyList<TeacherAnswer>> AskAsync(Choices choices, CancellationToken cancellationToken = default)
    {
        await using ITeacher teacher = Teacher(choices);
        return await teacher.ScoreAsync(new TeacherRequest([.. _rows.Select(r => new TeacherQuestion(r))]), cancellationToken);
    }

    private ITeacher Teacher(Choices choices, string? url = null)
    {
        string tokenizer = _folder["tokenizer"];
        new DiskStorage().CreateDirectory(tokenizer);
        TextTokenizer.Bytes(["<s>", "</s>", "<pad>"], "<s>", "</s>", "<pad>").Save(tokenizer, new DiskStorage());
        var definition = new OpenAiTeacherDefinition
        {
            Model = "table",
            Tokenizer = tokenizer,
            Url = url ?? _server.Url,
            Server = choices.Server,
            InFlight = choices.InFlight,
            Top = choices.Top,
            WholeDistribution = choices.WholeDistribution,
            Retries = choices.Retries,
        };
        var run = new RunDefinition { Name = "test", Flows = [], Teacher = definition };
        return TeacherTable.All.Single(t => t.Name == "openai").Create(
            definition, new StageContext(run, new FlowFacts(), "score-teacher", _folder.Path, new DiskStorage(), null!, null!, this, null));
    }

    object? IServiceProvider.GetService(Type serviceType)
        => serviceType == typeof(TokenizerStore) ? new TokenizerStore(new DiskStorage())
            : serviceType == typeof(ITeacherConnections) ? new TeacherConnections { Delay = _delay }
            : null;

    private sealed record Choices
    {
        public ServerKind Server { get; init; }

        public int InFlight { get; init; } = 4;

        public int Top { get; init; } = 20;

        public bool WholeDistribution { get; init; }

        public int Retries { get; init; } = 2;
    }
}
