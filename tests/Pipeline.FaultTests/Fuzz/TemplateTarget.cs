using System.Text;
using System.Text.Json;
using Pipeline.Contracts.Records;
using Pipeline.Stages.Chat;
using Pipeline.Stages.Jinja;

namespace Pipeline.FaultTests.Fuzz;

/// <summary>Chat templates, which are programs: pieces of real ones put together anew, and rendered.</summary>
internal sealed class TemplateTarget : FuzzTarget
{
    private static readonly string[] Pieces =
    [
        "{% for m in messages %}", "{% for i in range(1000) %}", "{% endfor %}", "{% if x %}", "{% elif loop.first %}", "{% else %}", "{% endif %}", "{% set x = x ~ x %}", "{% set x = 'ab' * 9999 %}",
        "{% set ns = namespace(a=1) %}", "{% set ns.a = ns.a * 3 %}", "{% macro f(x) %}", "{% endmacro %}", "{{ f(f) }}", "{{ m.content | trim }}", "{{ m['role'] }}", "{{ x | tojson(indent=4) }}",
        "{{ messages | map(attribute='role') | join(', ') }}", "{{ [1, 2, 3][::-1] }}", "{{ x[1:9] }}", "{{ raise_exception('no') }}", "{{ 9223372036854775807 + 1 }}", "{{ -9223372036854775808 | abs }}",
        "{{ x.split('a')[0] }}", "{{ x | indent(99) }}", "{{ (1 / 3) | int }}", "{{ not not not x }}", "{%- generation -%}", "{% endgeneration %}", "{# c #}", "{{ x.replace('a', 'aaaa') }}", "{{ messages | sort(attribute='role') }}", "{{ [[1], [2]] | sum(start=[]) }}",
        "{{ range(99999) | list | unique | sum }}", "{{ m | dictsort }}", "{{ [3, 'a'] | max }}",
        "((((", "))))", "[[[[", "]]]]", "|", "~", " is defined ", " and ", " or ", " in ", "'", "\"", "-", "%}", "{%", "}}", "{{", " else ", "range(99999)", "range(-1, 1, 0)", "loop.index", "bos_token", "x", "1e5", "99999999999999999999",
    ];

    private static readonly Conversation Chat = new([new ChatMessage("system", "be brief"), new ChatMessage("user", " 1 + 1?\n"), new ChatMessage("assistant", "2 <|end|> é東")]);

    private static readonly Dictionary<string, string> Marks = new() { ["bos_token"] = "<s>", ["eos_token"] = "</s>" };

    private readonly string[] _whole = [.. JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Fuzz", "renderings.json")))
        .RootElement.GetProperty("templates").EnumerateObject().Select(p => p.Value.GetString()!)];

    public override string Name => "template";

    // 621: a sort of values that have no order. 905472: some 70 bytes of garbage for each of 20 million steps.
    public override IReadOnlyList<int> KeptSeeds => [621, 905472];

    // Garbage of all the texts in between; a text alone is at most 200 MiB.
    public override long MostBytesAllocated => 1L << 30;

    public override void Read(int seed)
    {
        var random = new Random(seed);
        var text = new StringBuilder(random.Next(4) == 0 ? "" : _whole[random.Next(_whole.Length)]);
        for (int i = random.Next(1, text.Length == 0 ? 30 : 4); i > 0; i--)
        {
            int at = random.Next(text.Length + 1);
            switch (random.Next(5))
            {
                case 0 when text.Length > 0:
                    text.Remove(at, Math.Min(random.Next(1, 12), text.Length - at));
                    break;
                case 1:
                    string piece = Pieces[random.Next(Pieces.Length)];
                    text.Insert(at, string.Concat(Enumerable.Repeat(piece, random.Next(20) == 0 ? 3000 : 2)));
                    break;
                default:
                    text.Insert(at, Pieces[random.Next(Pieces.Length)]);
                    break;
            }
        }
        try
        {
            ChatTemplate.Parse(text.ToString(), "stranger").Render(Chat, Marks);
        }
        catch (ChatTemplateException)
        {
            // The conversation is rejected, or a failed record: counted both ways.
        }
    }
}
