# Completion of dray for fish. "dray complete" says what may follow.
function __dray_complete
    set -l words (commandline -opc)
    set -l last (commandline -ct)
    for line in ($words[1] complete -- $words[2..] "$last" 2>/dev/null)
        if string match -q ':files *' -- $line
            set -l prefix (string sub -s 8 -- $line)
            set -l begun (string sub -s (math 1 + (string length -- "$prefix")) -- "$last")
            for path in (__fish_complete_path "$begun")
                echo -- "$prefix$path"
            end
        else
            echo -- $line
        end
    end
end
complete -c dray -f -a '(__dray_complete)'
