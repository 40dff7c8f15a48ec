using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Chat;
using Pipeline.Stages.Chat.Templates;

using Xunit.Abstractions;

namespace Pipeline.Stages.Tests.Chat;

/// <summary>Templates against jinja2, as <c>renderings.json</c> says how it was called; the conversations hold what templates stumble over.</summary>
public sealed class ChatTemplateTests(ITestOutputHelper output)
{
    private static readonly JsonElement Reference = JsonDocument.Parse(File.ReadAllBytes(
        Path.Combine(RepositoryRoot(), "tests", "Pipeline.Stages.Tests", "Chat", "renderings.json"))).RootElement;

    [Fact]
    public void Templates_render_as_jinja2_renders_them()
    {
        int compared = 0;
        foreach (JsonElement row in Reference.GetProperty("renderings").EnumerateArray())
        {
            string template = row.GetProperty("template").GetString()!, conversation = row.GetProperty("conversation").GetString()!;
            string source = Reference.GetProperty("templates").GetProperty(template).GetString()!;
            string expected = row.TryGetProperty("rendered", out JsonElement text) ? text.GetString()! : "refused: " + row.GetProperty("refused").GetString();
            Assert.Equal($"{template}, {conversation}: {expected}", $"{template}, {conversation}: {Render(source, Turns(conversation), "<s>", "</s>")}");
            compared++;
        }
        Assert.True(compared >= 40);
    }

    [Fact]
    public void Templates_of_real_tokenizers_render_as_jinja2_renders_them()
    {
        if (SharedFolder.Path is not { } shared)
        {
            output.WriteLine("skipped: no shared folder");
            return;
        }
        foreach (JsonElement row in Reference.GetProperty("shared").EnumerateArray())
        {
            string name = row.GetProperty("tokenizer").GetString()!, conversation = row.GetProperty("conversation").GetString()!;
            string folder = Path.Combine(shared, "tokenizers", name);
            using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "tokenizer_config.json")));
            string source = ChatTemplate.Find(folder, new DiskStorage())!;
            string rendered = Render(source, Turns(conversation), Mark(config, "bos_token"), Mark(config, "eos_token"));
            if (row.TryGetProperty("refused", out JsonElement refused))
                Assert.StartsWith("refused: " + refused.GetString(), rendered, StringComparison.Ordinal);
            else
                Assert.Equal((name, conversation, row.GetProperty("sha256").GetString()), (name, conversation, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(rendered)))));
        }
    }

    [Theory]
    [InlineData("{% include 'x' %}", "line 1: the statement 'include' is not implemented")]
    [InlineData("a\n{{ x | xmlattr }}", "line 2: the filter 'xmlattr' is not implemented")]
    [InlineData("{{ x is sameas(y) }}", "line 1: the test 'sameas' is not implemented")]
    [InlineData("{% if x %}", "expected {%")]
    [InlineData("{{ 'open }}", "a string is not closed")]
    [InlineData("{# open", "a comment is not closed")]
    [InlineData("{% for x in y recursive %}{% endfor %}", "recursive")]
    [InlineData("{{ x ! y }}", "unexpected '!'")]
    public void What_is_not_implemented_is_refused_by_name_when_the_template_is_read(string source, string says)
    {
        InputException refused = Assert.Throws<InputException>(() => ChatTemplate.Parse(source, "models/x"));
        Assert.Contains("models/x", refused.Message, StringComparison.Ordinal);
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_method_that_is_not_implemented_is_refused_by_name_when_it_is_reached()
    {
        InputException refused = Assert.Throws<InputException>(() => Render("{{ messages[0].content.zfill(3) }}", [new ChatMessage("user", "1")], null, null));
        Assert.Contains("'zfill' of a string", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rendered_characters_know_which_turn_they_are_of()
    {
        Conversation conversation = new([new ChatMessage("user", "  ab\n"), new ChatMessage("assistant", "c d")]);
        TracedText prompt = ChatTemplate.Parse("{% for m in messages %}[{{ m.role }}]{{ (m.content | trim).replace(' ', '_') }}{{ m.content.split('b')[0][1:] }}{% endfor %}", "x")
            .Render(conversation, null, null);
        Assert.Equal("[user]ab a[assistant]c_d d", prompt.Text);
        string seen = string.Concat(Enumerable.Range(0, prompt.Length).Select(i => prompt.Origin(i) is var o && o == TracedText.FromTemplate ? '.'
            : conversation.IsContent(o) ? (char)('0' + conversation.MessageOf(o)) : (char)('a' + conversation.MessageOf(o))));
        Assert.Equal(".aaaa.0000.bbbbbbbbb.1.111", seen);
    }

    [Fact]
    public void Only_carriage_returns_and_line_feeds_are_line_ends()
        => Assert.Equal("a\u2028b\n\u0085c", Render("a\u2028b\r\n\u0085c\r", [], null, null));

    [Fact]
    public void A_macro_that_calls_itself_forever_is_refused()
        => Assert.Throws<InputException>(() => Render("{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", [], null, null));

    public static TheoryData<string> Hostile => new()
    {
        "{{ " + new string('(', 5000) + "1" + new string(')', 5000) + " }}",
        "{{ " + string.Concat(Enumerable.Repeat("not ", 5000)) + "1 }}",
        string.Concat(Enumerable.Repeat("{% if x %}", 5000)) + string.Concat(Enumerable.Repeat("{% endif %}", 5000)),
        "{{ " + string.Join(" ~ ", Enumerable.Repeat("x", 20_000)) + " }}",
        "{{ x" + string.Concat(Enumerable.Repeat(" | trim", 20_000)) + " }}",
        "{{ 99999999999999999999 }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
        "{% set ns = namespace(x=[]) %}{% for i in range(5000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x | tojson }}",
        "{% set ns = namespace(x=[], y=[]) %}{% for i in range(5000) %}{% set ns.x = [ns.x] %}{% set ns.y = [ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
        "{% set x = 'a' * 100000 %}{{ x.replace('a', x) }}",
        "{{ 'x\ny' | indent(2000000000) }}",
        "{{ [1] | tojson(indent=-1) }}",
        "{{ 4 is divisibleby(0) }}",
    };

    [Theory]
    [MemberData(nameof(Hostile))]
    public void A_template_that_would_end_the_process_or_take_time_and_memory_without_bound_is_refused(string source)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<InputException>(() => Render(source, [new ChatMessage("user", "hello")], null, null));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2L << 30);
    }

    [Theory]
    [InlineData("""{"chat_template": [1, {"name": 5}, {"name": "default"}]}""")]
    [InlineData("""{"chat_template": [{"name": "default", "template": 7}]}""")]
    [InlineData("""{"chat_template": "\ud800"}""")]
    [InlineData("""{"chat_template": 1}""")]
    public void A_configuration_that_is_not_as_it_should_be_is_refused_by_name(string json)
    {
        string folder = Directory.CreateTempSubdirectory("alm-template-").FullName;
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), json);
        Assert.Contains("tokenizer_config.json", Assert.Throws<InputException>(() => ChatTemplate.Find(folder, new DiskStorage())).Message, StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    private static string Render(string source, IReadOnlyList<ChatMessage> messages, string? bos, string? eos)
    {
        try
        {
            return ChatTemplate.Parse(source, "x").Render(new Conversation(messages), bos, eos).Text;
        }
        catch (ChatTemplateException e) when (e.IsRefusal)
        {
            return "refused: " + e.Message;
        }
    }

    private static ChatMessage[] Turns(string conversation)
        => [.. Reference.GetProperty("conversations").GetProperty(conversation).EnumerateArray()
            .Select(m => new ChatMessage(m.GetProperty("role").GetString()!, m.GetProperty("content").GetString()!))];

    private static string Mark(JsonDocument config, string name)
        => config.RootElement.TryGetProperty(name, out JsonElement mark) && mark.ValueKind == JsonValueKind.String ? mark.GetString()! : string.Empty;

    private static string RepositoryRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Alm.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("no Alm.sln above the tests");
    }
}
