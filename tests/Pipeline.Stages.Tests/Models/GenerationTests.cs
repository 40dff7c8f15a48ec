using Pipeline.Contracts.Errors;
using Pipeline.Stages.Models;
using Pipeline.Stages.Models.Generation;
using Pipeline.Stages.Tests.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Tests.Models;

[Collection(TorchCollection.Name)]
public sealed class GenerationTests
{
    private static readonly HashSet<int> NoEnd = [];
    private static readonly int[][] Prompts = [[3, 1, 4, 1, 5], [9], [2, 6, 5]];

    [Theory]
    [MemberData(nameof(TinyConfigs.Names), MemberType = typeof(TinyConfigs))]
    public void A_cached_batch_of_unequal_prompts_says_what_each_prompt_says_alone_without_a_cache(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create(name);
        GenerationOptions options = new() { MaxNewTokens = 12, RepetitionPenalty = 1.3 };
        int[][] together = Ids(new TokenGenerator(model, options).Run(Prompts, NoEnd), Prompts.Length);
        for (int i = 0; i < Prompts.Length; i++)
            Assert.Equal(Ids(new TokenGenerator(model, options).Run([Prompts[i]], NoEnd, useCache: false), 1)[0], together[i]);
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("gemma3_text")]
    public void A_long_run_through_growing_buffers_equals_recomputing(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create(name);
        GenerationOptions options = new() { MaxNewTokens = 160, Temperature = 1, Seed = 4 };
        Assert.Equal(Ids(new TokenGenerator(model, options).Run([[1, 2]], NoEnd, useCache: false), 1)[0], Ids(new TokenGenerator(model, options).Run([[1, 2]], NoEnd), 1)[0]);
    }

    [Fact]
    public void Draws_are_a_function_of_the_seed_and_the_prompts_number()
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create("llama");
        int[][] Run(int seed) => Ids(new TokenGenerator(model, new GenerationOptions { MaxNewTokens = 20, Temperature = 1.5, Seed = seed }).Run([[7], [7]], NoEnd), 2);
        int[][] first = Run(1);
        Assert.Equal(first, Run(1));
        Assert.NotEqual(first, Run(2));
        Assert.NotEqual(first[0], first[1]);
    }

    [Fact]
    public void An_end_mark_ends_its_prompt_only()
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create("llama");
        GenerationOptions options = new() { MaxNewTokens = 10 };
        int[][] free = Ids(new TokenGenerator(model, options).Run(Prompts, NoEnd), 3);
        int end = free[0][4];
        GeneratedToken[] tokens = [.. new TokenGenerator(model, options).Run(Prompts, new HashSet<int> { end })];
        for (int i = 0; i < 3; i++)
        {
            int at = Array.IndexOf(free[i], end);
            GeneratedToken[] mine = [.. tokens.Where(token => token.Prompt == i)];
            Assert.Equal(at < 0 ? free[i] : free[i][..(at + 1)], mine.Select(token => token.Id));
            Assert.True(mine[^1].Ends);
            Assert.DoesNotContain(mine[..^1], token => token.Ends);
        }
    }

    [Fact]
    public void Rows_without_a_token_are_never_chosen()
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create("llama");
        int[] ids = Ids(new TokenGenerator(model, new GenerationOptions { MaxNewTokens = 200, Temperature = 50 }).Run([[1]], NoEnd, validRows: 10), 1)[0];
        Assert.Equal(Enumerable.Range(0, 10), ids.Distinct().Order());
    }

    [Fact]
    public void A_prompt_that_is_empty_or_of_another_vocabulary_is_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create("llama");
        TokenGenerator generator = new(model, new GenerationOptions());
        Assert.Contains("prompt 1 has no token", Assert.Throws<InputException>(() => generator.Run([[1], []], NoEnd).First()).Message);
        Assert.Contains("token 37", Assert.Throws<InputException>(() => generator.Run([[37]], NoEnd).First()).Message);
    }

    [Fact]
    public void Each_filter_keeps_what_its_rule_keeps()
    {
        // Probabilities 0.5, 0.25, 0.15, 0.1 at temperature 1.
        float[] logits = [MathF.Log(0.15f), MathF.Log(0.5f), MathF.Log(0.1f), MathF.Log(0.25f)];
        Assert.Equal([1], Drawn(logits, new() { Temperature = 1, TopK = 1 }).Keys);
        Assert.Equal([1, 3], Drawn(logits, new() { Temperature = 1, TopK = 2 }).Keys);
        Assert.Equal([1, 3], Drawn(logits, new() { Temperature = 1, TopP = 0.7 }).Keys);
        Assert.Equal([1], Drawn(logits, new() { Temperature = 1, TopP = 0.2 }).Keys);
        Assert.Equal([0, 1, 3], Drawn(logits, new() { Temperature = 1, MinP = 0.25 }).Keys);
        Assert.Equal([0, 1, 2, 3], Drawn(logits, new() { Temperature = 1 }).Keys);
        Assert.Equal([1, 3], Drawn(logits, new() { Temperature = 1, TopK = 3, TopP = 0.8 }).Keys);
        Assert.Equal(1, new TokenSampler(new GenerationOptions(), 0).Choose(logits, NoEnd));
    }

    [Fact]
    public void Draws_follow_the_probabilities_at_the_temperature()
    {
        float[] logits = [0, MathF.Log(3)];
        Assert.Equal(0.75, Drawn(logits, new() { Temperature = 1 })[1], 0.02);
        Assert.Equal(0.9, Drawn(logits, new() { Temperature = 0.5 })[1], 0.02);
    }

    [Fact]
    public void The_penalty_divides_positive_and_multiplies_negative_scores_of_seen_tokens()
    {
        TokenSampler sampler = new(new GenerationOptions { RepetitionPenalty = 2 }, 0);
        Assert.Equal(1, sampler.Choose([3, 2], new HashSet<int> { 0 }));
        Assert.Equal(0, sampler.Choose([-3, -2], new HashSet<int> { 1 }));
        Assert.Equal(0, sampler.Choose([3, 1], new HashSet<int> { 0 }));
    }

    [Fact]
    public void Text_is_cut_before_a_stop_string_and_nothing_is_said_too_early()
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create("llama");
        GenerationOptions options = new() { MaxNewTokens = 30, Temperature = 1, Seed = 3 };
        static string Decode(IReadOnlyList<int> ids) => string.Concat(ids.Select(id => (char)('A' + id)));
        string free = Decode(Ids(new TokenGenerator(model, options).Run([[1]], NoEnd), 1)[0]);
        string stop = free.Substring(9, 3);
        GenerationOptions stopping = options with { StopStrings = [stop, "never"] };
        TextPiece[] pieces = [.. new TextGenerator(new TokenGenerator(model, stopping), Decode, stopping).Run([[1]], NoEnd)];
        Assert.Equal(free[..free.IndexOf(stop, StringComparison.Ordinal)], string.Concat(pieces.Select(piece => piece.Text)));
        Assert.True(pieces[^1].Ends);
        Assert.True(pieces.Length > 3, "text must come in pieces");
        TextPiece[] whole = [.. new TextGenerator(new TokenGenerator(model, options), Decode, options).Run([[1]], NoEnd)];
        Assert.Equal(free, string.Concat(whole.Select(piece => piece.Text)));
    }

    [Fact]
    public void An_empty_stop_string_is_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create("llama");
        GenerationOptions options = new() { StopStrings = ["a", ""] };
        Assert.Throws<DefinitionException>(() => new TextGenerator(new TokenGenerator(model, options), _ => "", options).Run([[1]], NoEnd).First());
    }

    [Fact]
    public void A_character_of_several_tokens_is_said_when_it_is_whole()
    {
        using DisposeScope scope = NewDisposeScope();
        using CausalLm model = TinyModels.Create("llama");
        GenerationOptions options = new() { MaxNewTokens = 9 };
        // Every third token completes a character.
        static string Decode(IReadOnlyList<int> ids) => new string('x', ids.Count / 3) + (ids.Count % 3 == 0 ? "" : "\uFFFD");
        TextPiece[] pieces = [.. new TextGenerator(new TokenGenerator(model, options), Decode, options).Run([[1]], NoEnd)];
        Assert.Equal(["x", "x", "x"], pieces.Select(piece => piece.Text));
    }

    private static SortedDictionary<int, double> Drawn(float[] logits, GenerationOptions options)
    {
        const int Draws = 4000;
        TokenSampler sampler = new(options, 0);
        SortedDictionary<int, double> shares = [];
        for (int i = 0; i < Draws; i++)
        {
            int id = sampler.Choose(logits, NoEnd);
            shares[id] = shares.GetValueOrDefault(id) + 1.0 / Draws;
        }

        return shares;
    }

    private static int[][] Ids(IEnumerable<GeneratedToken> tokens, int prompts)
    {
        GeneratedToken[] all = [.. tokens];
        return [.. Enumerable.Range(0, prompts).Select(i => all.Where(token => token.Prompt == i).Select(token => token.Id).ToArray())];
    }
}
