using System.Text;
using System.Text.Json.Nodes;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Language;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Host.Tests.Commands;

public sealed class GenerateCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _model;

    public GenerateCommandTests() => _model = ByteModel.Save(_folder["model"], seed: 6);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_most_likely_bytes_come_as_whole_characters()
    {
        AlmAnswer answer = await Alm.RunAsync(["generate", "--model", _model, "--prompt", "née", "--max-tokens", "24"]);

        Assert.Equal((0, ""), (answer.Code, answer.Error));
        var ids = new List<int>([ByteModel.Bos, .. "née"u8.ToArray().Select(b => (int)b)]);
        int prompt = ids.Count;
        using CausalLm model = ByteModel.Load(_model);
        for (int i = 0; i < 24; i++)
        {
            float[] logits = ByteModel.Logits(model, ids);
            int next = Array.IndexOf(logits, logits.Max());
            if (next == 257)
                break;
            ids.Add(next);
        }
        string expected = Encoding.UTF8.GetString([.. ids.Skip(prompt).Where(id => id < 256).Select(id => (byte)id)]);
        Assert.Equal(expected + Environment.NewLine, answer.Output);
    }

    [Fact]
    public async Task A_seed_decides_what_is_drawn_and_a_stop_text_where_it_ends()
    {
        string[] draw = ["generate", "--model", _model, "--prompt", "a", "--max-tokens", "40", "--temperature", "1.5", "--top-k", "200"];
        AlmAnswer first = await Alm.RunAsync([.. draw, "--seed", "1"]);
        AlmAnswer again = await Alm.RunAsync([.. draw, "--seed", "1"]);
        AlmAnswer other = await Alm.RunAsync([.. draw, "--seed", "2"]);
        string text = first.Output.TrimEnd('\n');
        string stop = text.Substring(text.Length / 2, 1);
        AlmAnswer stopped = await Alm.RunAsync([.. draw, "--seed", "1", "--stop", stop]);

        Assert.Equal(0, first.Code);
        Assert.Equal(first.Output, again.Output);
        Assert.NotEqual(first.Output, other.Output);
        Assert.Equal(text[..text.IndexOf(stop, StringComparison.Ordinal)] + Environment.NewLine, stopped.Output);
    }

    [Fact]
    public async Task A_file_of_prompts_is_continued_in_batches_as_each_prompt_alone_is()
    {
        File.WriteAllText(Path.Combine(_model, "chat_template.jinja"), "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}");
        string prompts = _folder.Write("prompts.jsonl", "{\"prompt\": \"née\"}\n{\"prompt\": 3}\n{\"prompt\": \"ab\"}\n{\"prompt\": \"a longer prompt\"}\n");
        string[] draw = ["--max-tokens", "12", "--stop", "q"];

        foreach (string[] chat in (string[][])[[], ["--chat"]])
        {
            AlmAnswer answer = await Alm.RunAsync(["generate", "--model", _model, "--prompts", prompts, "-o", _folder["out.jsonl"], "--batch", "2", .. chat, .. draw]);
            Assert.Equal(0, answer.Code);
            Assert.Contains("3 written, 1 could not be", answer.Error, StringComparison.Ordinal);
            JsonNode[] lines = [.. File.ReadAllLines(_folder["out.jsonl"]).Select(l => JsonNode.Parse(l)!)];
            Assert.Equal([0, 1, 2, 3], lines.Select(l => (int)l["row"]!));
            Assert.NotNull(lines[1]["error"]);
            foreach ((string prompt, int row) in new[] { ("née", 0), ("ab", 2), ("a longer prompt", 3) })
            {
                AlmAnswer alone = await Alm.RunAsync(["generate", "--model", _model, "--prompt", prompt, .. chat, .. draw]);
                Assert.Equal(alone.Output, (string)lines[row]["text"]! + Environment.NewLine);
                if (chat.Length > 0)
                    Assert.Equal(alone.Output, (await Alm.RunAsync(["generate", "--model", _model, "--prompt", $"<user>{prompt}<assistant>", .. draw])).Output);
            }
        }

        string turns = _folder.Write("turns.jsonl", """{"prompt": [{"role": "user", "content": "ab"}]}""" + "\n");
        Assert.Equal(0, (await Alm.RunAsync(["generate", "--model", _model, "--prompts", turns, "-o", _folder["turns-out.jsonl"], "--chat", .. draw])).Code);
        Assert.Equal((string)JsonNode.Parse(File.ReadAllLines(_folder["out.jsonl"])[2])!["text"]!, (string)JsonNode.Parse(File.ReadAllText(_folder["turns-out.jsonl"]))!["text"]!);
    }

    [Theory]
    [InlineData("give a --prompt, or a file of --prompts")]
    [InlineData("--prompts needs --output for the answers", "--prompts", "x.jsonl")]
    [InlineData("are both given", "--prompts", "x.jsonl", "--prompt", "a", "-o", "y.jsonl")]
    [InlineData("--output goes with --prompts", "--prompt", "a", "-o", "y.jsonl")]
    public async Task Prompts_come_from_one_place(string said, params string[] options)
    {
        AlmAnswer answer = await Alm.RunAsync(["generate", "--model", _model, .. options]);
        Assert.Equal(ExitCodes.Definition, answer.Code);
        Assert.Contains(said, answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_of_the_configuration_that_nobody_knows_is_refused_until_somebody_says_it_is_harmless()
    {
        string config = Path.Combine(_model, "config.json"), text = File.ReadAllText(config);
        File.WriteAllText(config, "{ \"flux_capacitor\": 2," + text[(text.IndexOf('{', StringComparison.Ordinal) + 1)..]);
        string[] generate = ["generate", "--model", _model, "--prompt", "a", "--max-tokens", "2"];

        AlmAnswer refused = await Alm.RunAsync(generate);
        AlmAnswer ignored = await Alm.RunAsync([.. generate, "--ignore-config-key", "flux_capacitor"]);

        Assert.Equal(ExitCodes.Input, refused.Code);
        Assert.Contains("flux_capacitor = 2", refused.Error, StringComparison.Ordinal);
        Assert.Equal(0, ignored.Code);
        Assert.Contains("ignored in every model's config.json: flux_capacitor", ignored.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Weights_in_a_pickle_are_refused_with_how_to_convert_them()
    {
        new DiskStorage().Rename(Path.Combine(_model, "model.safetensors"), Path.Combine(_model, "pytorch_model.bin"));
        AlmAnswer answer = await Alm.RunAsync(["generate", "--model", _model, "--prompt", "a"]);
        Assert.Equal(ExitCodes.Input, answer.Code);
        Assert.Contains("but pytorch_model.bin, a pickle", answer.Error, StringComparison.Ordinal);
        Assert.Contains("safe_serialization=True", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Values_out_of_range_and_contradictions_are_refused_with_the_option_named()
    {
        AlmAnswer range = await Alm.RunAsync(["generate", "--model", _model, "--prompt", "a", "--top-p", "1.5"]);
        AlmAnswer both = await Alm.RunAsync(["generate", "--model", _model, "--prompt", "a", "--greedy", "--top-k", "3"]);

        Assert.Equal(ExitCodes.Definition, range.Code);
        Assert.Contains("--top-p: found 1.5, expected 0.0001..1", range.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Definition, both.Code);
        Assert.Contains("--top-k", both.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_prompt_begins_with_the_first_mark_once_and_new_text_is_what_follows_it()
    {
        TextTokenizer tokenizer = TextTokenizer.Bytes(["<s>", "</s>"], "<s>", "</s>", null);

        Assert.Equal([256, 65], new Continuation(tokenizer, "A").Prompt);
        Assert.Equal([256, 65], new Continuation(tokenizer, "<s>A").Prompt);
        Assert.Equal([256], new Continuation(tokenizer, "").Prompt);
        Assert.Equal(" B", new Continuation(tokenizer, "A").Decode([32, 66]));
    }

    [Fact]
    public void Ends_of_turns_that_the_folder_names_end_a_text()
    {
        TextTokenizer tokenizer = TextTokenizer.Bytes(["<s>", "</s>"], "<s>", "</s>", null);
        File.WriteAllText(Path.Combine(_model, "generation_config.json"), """{ "eos_token_id": [65, 66] }""");

        Assert.Equal([65, 66, 257], EndTokens.Read(_model, tokenizer, new DiskStorage()).Order());
    }
}
